"""Dies on purpose at named points, for the crash tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from syncwell.domain.errors import SetupError
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.runtime.settings import InstallationSettings, Profile

__all__ = ["ArmedCrashPoint", "NoCrashPoints", "SwitchedCrashPoint", "make_crash_points"]

_FILE_MARK = "@"
_STOP = "stop"


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


class SwitchedCrashPoint(CrashPoints):
    """Asks a file at each visit what is armed, so that a test arms a process that runs already.

    The file holds `point:n`, or `point:n stop` for a process that shall stand still until SIGCONT. It is gone before
    the signal comes: whoever starts next is not armed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._order = ""
        self._visits_left = 0

    def reach(self, point: str) -> None:
        """Sends the signal to this process when the visit comes that the file asks for."""
        try:
            order = self._path.read_text("utf-8")
        except FileNotFoundError:
            return
        armed, _, action = order.strip().partition(" ")
        wanted, visit = parse_crash_point(armed)
        if order != self._order:
            self._order, self._visits_left = order, visit
        if point != wanted:
            return
        self._visits_left -= 1
        if self._visits_left == 0:
            self._path.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGSTOP if action == _STOP else signal.SIGKILL)


def make_crash_points(settings: InstallationSettings) -> CrashPoints:
    """Returns what `SYNCWELL_CRASH_AT` asks for: "point:n", or "@file" where a file says so while the process runs.

    Raises:
        SetupError: armed in a production profile, or not of the form `point:n`.
    """
    if not settings.crash_at:
        return NoCrashPoints()
    if settings.profile is Profile.PRODUCTION:
        raise SetupError("SYNCWELL_CRASH_AT is for tests; unset it or leave the production profile")
    if settings.crash_at.startswith(_FILE_MARK):
        return SwitchedCrashPoint(Path(settings.crash_at.removeprefix(_FILE_MARK)))
    return ArmedCrashPoint(*parse_crash_point(settings.crash_at))


def parse_crash_point(text: str) -> tuple[str, int]:
    """Returns the point and the visit that `text` names.

    Raises:
        SetupError: it is not of the form `point:n`.
    """
    point, _, visit = text.rpartition(":")
    if not point or not visit.isdigit() or int(visit) == 0:
        raise SetupError("SYNCWELL_CRASH_AT must look like `point:n` with n from 1")
    return point, int(visit)
