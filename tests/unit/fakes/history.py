"""A history that a test can read, and crash points that raise."""

from __future__ import annotations

from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op


class MemoryHistory(History):
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[tuple[Op, str, dict[str, str | int | bool | None]]] = []

    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        self.events.append((op, kind, ids))

    def ops(self, kind: str) -> list[Op]:
        """Returns the phases of one kind, in order."""
        return [op for op, each, _ in self.events if each == kind]


class KilledError(BaseException):
    """Ends everything above it, as a kill does: no `except Exception` sees it."""


class FakeCrashPoints(CrashPoints):
    """Raises at an armed point, once, and remembers what was passed."""

    def __init__(self) -> None:
        self.armed: str | None = None
        self.passed: list[str] = []

    def reach(self, point: str) -> None:
        self.passed.append(point)
        if point == self.armed:
            self.armed = None
            raise KilledError(point)
