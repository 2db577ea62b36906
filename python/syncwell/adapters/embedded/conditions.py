"""Whether a condition holds against what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from syncwell.ports.item_store import Absent, Condition, Exists, FenceEquals, FenceNotHigher, VersionEquals


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a stored item that conditions compare."""

    version: int
    fence: int
    expires_at_ms: int | None


def holds(condition: Condition, stored: Stored | None) -> bool:
    """Returns whether `condition` holds where `stored` is (None: no item)."""
    if isinstance(condition, VersionEquals):
        return stored is not None and stored.version == condition.version
    if isinstance(condition, FenceEquals):
        return stored is not None and stored.fence == condition.fence
    if isinstance(condition, FenceNotHigher):
        return stored is None or stored.fence <= condition.fence
    if isinstance(condition, Absent):
        return stored is None or _has_expired(stored, condition.expired_before_ms)
    if isinstance(condition, Exists):
        return stored is not None
    assert_never(condition)


def _has_expired(stored: Stored, before_ms: int | None) -> bool:
    return before_ms is not None and stored.expires_at_ms is not None and stored.expires_at_ms < before_ms
