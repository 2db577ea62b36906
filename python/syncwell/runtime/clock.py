"""The system's clock, and one that tests shift for several processes at once."""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from datetime import timedelta
from pathlib import Path

from syncwell.domain.errors import SetupError
from syncwell.ports.clock import Clock
from syncwell.runtime.settings import InstallationSettings, Profile

_OFFSET = struct.Struct("<q")


class SystemClock(Clock):
    """Real time."""

    def now_ms(self) -> int:
        """Returns milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep(self, duration: timedelta) -> None:
        """Waits in real time."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))


class OffsetClock(Clock):
    """Real time plus an offset in a mapped file, which every process of a test shares."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), _OFFSET.size)

    @staticmethod
    def create(path: Path) -> None:
        """Makes the file with offset zero."""
        path.write_bytes(_OFFSET.pack(0))

    def advance(self, duration: timedelta) -> None:
        """Moves the time of every process that maps the file."""
        (offset,) = _OFFSET.unpack(self._offset[: _OFFSET.size])
        self._offset[: _OFFSET.size] = _OFFSET.pack(offset + int(duration.total_seconds() * 1000))

    def now_ms(self) -> int:
        """Returns real time plus the shared offset, epoch milliseconds."""
        (offset,) = _OFFSET.unpack(self._offset[: _OFFSET.size])
        return time.time_ns() // 1_000_000 + int(offset)

    async def sleep(self, duration: timedelta) -> None:
        """Waits until this clock has moved by `duration`, however it moves."""
        until_ms = self.now_ms() + int(duration.total_seconds() * 1000)
        while (left_ms := until_ms - self.now_ms()) > 0:  # noqa: ASYNC110 - another process moves the clock
            await asyncio.sleep(min(left_ms, 20) / 1000)


def make_clock(settings: InstallationSettings) -> Clock:
    """Returns the clock that the settings ask for.

    Raises:
        SetupError: a shared test clock is set in a production profile.
    """
    if settings.clock_file is None:
        return SystemClock()
    if settings.profile is Profile.PRODUCTION:
        raise SetupError("SYNCWELL_CLOCK_FILE is for tests; unset it or leave the production profile")
    return OffsetClock(settings.clock_file)
