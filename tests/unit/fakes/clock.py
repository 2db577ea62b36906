"""A clock that moves only when a test moves it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from syncwell.ports.clock import Clock

START_MS = 1_760_000_000_000


class FakeClock(Clock):
    """Sleepers wake in order of their time as `advance` passes it."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep(self, duration: timedelta) -> None:
        if duration <= timedelta(0):
            await asyncio.sleep(0)
            return
        sleeper = (self._now_ms + int(duration.total_seconds() * 1000), asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    def advance(self, duration: timedelta) -> None:
        """Moves time at once; tasks that are due run when the caller next yields."""
        self._now_ms += int(duration.total_seconds() * 1000)
        for until_ms, woken in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if until_ms <= self._now_ms:
                woken.set()

    @property
    def sleeper_count(self) -> int:
        """Returns how many tasks wait for time to pass."""
        return len(self._sleepers)

    async def run_sleepers(self, step: timedelta, *, steps: int) -> None:
        """Moves time step by step, letting tasks run in between."""
        for _ in range(steps):
            await settle()
            self.advance(step)
        await settle()


async def settle(turns: int = 20) -> None:
    """Lets every ready task run for some turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
