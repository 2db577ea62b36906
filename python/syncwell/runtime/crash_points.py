"""Dies on purpose at named points, for the crash tests."""

from __future__ import annotations

import os
import signal

from syncwell.domain.errors import SetupError
from syncwell.ports.crash_points import CrashPoints
from syncwell.runtime.settings import InstallationSettings, Profile


class NoCrashPoints(CrashPoints):
    """Never dies; what every installation runs with."""

    def reach(self, point: str) -> None:
        """Does nothing."""


class ArmedCrashPoint(CrashPoints):
    """Kills the process at the n-th visit of one point."""

    def __init__(self, point: str, visit: int) -> None:
        self._point = point
        self._visits_left = visit

    def reach(self, point: str) -> None:
        """Sends SIGKILL to this process when the armed visit comes."""
        if point != self._point:
            return
        self._visits_left -= 1
        if self._visits_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def make_crash_points(settings: InstallationSettings) -> CrashPoints:
    """Returns what `SYNCWELL_CRASH_AT` ("point:n") asks for.

    Raises:
        SetupError: armed in a production profile, or not of the form `point:n`.
    """
    if not settings.crash_at:
        return NoCrashPoints()
    if settings.profile is Profile.PRODUCTION:
        raise SetupError("SYNCWELL_CRASH_AT is for tests; unset it or leave the production profile")
    point, _, visit = settings.crash_at.rpartition(":")
    if not point or not visit.isdigit() or int(visit) == 0:
        raise SetupError("SYNCWELL_CRASH_AT must look like `point:n` with n from 1")
    return ArmedCrashPoint(point, int(visit))
