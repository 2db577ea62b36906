"""The clock of a sandbox: real time plus an offset, or standing still, moved by the control API."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta

from syncwell.ports.clock import Clock

MILLISECONDS = 1000


class MovableClock(Clock):
    """Tells the time that the sandbox pretends it is.

    It runs with real time until it is frozen. Moving it never wakes a `sleep`: latency that a fault asks for is real.
    """

    def __init__(self, *, frozen_at: datetime | None = None) -> None:
        self._offset_ms = 0
        self._frozen_ms = None if frozen_at is None else _epoch_ms(frozen_at)

    def now_ms(self) -> int:
        """Returns the pretended time in epoch milliseconds."""
        if self._frozen_ms is not None:
            return self._frozen_ms
        return _real_ms() + self._offset_ms

    async def sleep(self, duration: timedelta) -> None:
        """Waits `duration` of real time."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))

    def advance(self, duration: timedelta) -> None:
        """Moves the clock, forward or back."""
        moved_ms = round(duration.total_seconds() * MILLISECONDS)
        if self._frozen_ms is not None:
            self._frozen_ms += moved_ms
        else:
            self._offset_ms += moved_ms

    def freeze(self, at: datetime | None = None) -> None:
        """Stops the clock at `at`, or at this moment."""
        self._frozen_ms = self.now_ms() if at is None else _epoch_ms(at)

    def thaw(self) -> None:
        """Lets a frozen clock run on from where it stands."""
        if self._frozen_ms is not None:
            self._offset_ms = self._frozen_ms - _real_ms()
            self._frozen_ms = None

    def restore(self) -> None:
        """Returns to real time."""
        self._offset_ms = 0
        self._frozen_ms = None


def _epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * MILLISECONDS)


def _real_ms() -> int:
    return time.time_ns() // 1_000_000
