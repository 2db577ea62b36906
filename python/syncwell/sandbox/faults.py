"""Faults on demand: which calls go wrong, how, and how many times."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from syncwell.domain.errors import LimitExceededError

FAULTS_MAX = 1_000
LATENCY_MS_MAX = 120_000
FLOOD_BYTES_MAX = 4 * 1024**3


class FaultKind(StrEnum):
    """What happens to a call."""

    LATENCY = "latency"  # served well, but late
    STATUS = "status"  # answered with `status` in the provider's own words
    DROP = "drop"  # the connection dies without a byte
    TRUNCATE = "truncate"  # the body ends in the middle
    HTML = "html"  # an HTML page instead of JSON
    WRONG_TYPE = "wrong_type"  # the right body under another content type
    DRIBBLE = "dribble"  # one byte each `latency_ms`
    FLOOD = "flood"  # `body_bytes` of blanks


class Phase(StrEnum):
    """Whether the call takes effect: BEFORE = it never does, AFTER = it does and only its answer suffers."""

    BEFORE = "before"
    AFTER = "after"


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One order to break calls.

    `route` is a pattern as of a shell over the path (`/api/v3/uploads*`); `count` falls with each use and at 0 the
    fault is gone; None lasts until it is cleared.
    """

    kind: FaultKind
    route: str = "*"
    method: str = "*"
    user_id: str | None = None
    phase: Phase = Phase.BEFORE
    status: int = 503
    latency_ms: int = 0
    body_bytes: int = 1_000_000
    headers: dict[str, str] = {}
    count: int | None = 1
    skip: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.latency_ms <= LATENCY_MS_MAX:
            raise ValueError(f"latency_ms must be 0 to {LATENCY_MS_MAX}")
        if not 0 <= self.body_bytes <= FLOOD_BYTES_MAX:
            raise ValueError(f"body_bytes must be 0 to {FLOOD_BYTES_MAX}")
        if not 200 <= self.status <= 599:
            raise ValueError("status must be 200 to 599")

    def matches(self, method: str, path: str, user_id: str | None) -> bool:
        """Tells whether the fault is meant for this call."""
        if self.method not in ("*", method):
            return False
        return (self.user_id is None or self.user_id == user_id) and fnmatchcase(path, self.route)


class FaultBoard:
    """Holds the faults in order; the first that matches a call breaks it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Adds a fault behind those that stand.

        Raises:
            LimitExceededError: the board is full.
        """
        if len(self._faults) >= FAULTS_MAX:
            raise LimitExceededError(f"more than {FAULTS_MAX} faults stand; clear some")
        self._faults.append(fault)

    def take(self, method: str, path: str, user_id: str | None) -> Fault | None:
        """Returns the fault for this call and uses it up by one."""
        for fault in self._faults:
            if fault.count == 0 or not fault.matches(method, path, user_id):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count is not None:
                fault.count -= 1
            return fault
        return None

    def standing(self) -> list[Fault]:
        """Returns the faults that are not used up."""
        return [fault for fault in self._faults if fault.count != 0]

    def clear(self) -> None:
        """Takes every fault away."""
        self._faults.clear()
