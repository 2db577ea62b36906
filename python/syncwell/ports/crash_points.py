"""Named places where tests kill a process; a production profile refuses to arm them."""

from __future__ import annotations

from abc import ABC, abstractmethod


class CrashPoints(ABC):
    """Dies on purpose at an armed point, else does nothing."""

    @abstractmethod
    def reach(self, point: str) -> None:
        """Kills this process with SIGKILL where `point` is armed for this visit (`CRASH_AT=point:n`)."""


class NoCrashPoints(CrashPoints):
    """Never dies; what every installation runs with."""

    def reach(self, point: str) -> None:
        """Does nothing."""
