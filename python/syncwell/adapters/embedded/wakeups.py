"""Waking those who wait for something to happen, without polling."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from syncwell.domain.errors import StoreUnavailableError
from syncwell.ports.clock import Clock

WAITERS_MAX = 1_024  # each is an open call; an installation has a few dozen


class Signal:
    """Counts occurrences, so that a waiter that looked before one happened cannot miss it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiters: set[asyncio.Future[None]] = set()
        self.count = 0

    def notify(self) -> None:
        """Wakes everybody who waits."""
        self.count += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def wait_beyond(self, count: int, *, longest: timedelta) -> None:
        """Returns when `count` is no longer the present count, or after `longest` of the clock's time.

        Raises:
            StoreUnavailableError: too many wait already.
        """
        if self.count != count or longest <= timedelta(0):
            return
        if len(self._waiters) >= WAITERS_MAX:
            raise StoreUnavailableError("too many wait on the store already; try again later")
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        timer = asyncio.ensure_future(self._clock.sleep(longest))
        try:
            await asyncio.wait((waiter, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiters.discard(waiter)
            waiter.cancel()
            timer.cancel()
