"""Acts that must be told later: who did what, when, to which ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Act(StrEnum):
    """What is written into the audit log."""

    DEAD_LETTERS_REDRIVEN = "dead_letters_redriven"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `actor` is a user id, or `cli` for who has a shell; `details` hold ids and numbers only."""

    audit_id: str
    act: Act
    actor: str
    at_ms: int
    details: Mapping[str, str] = field(default_factory=dict)
