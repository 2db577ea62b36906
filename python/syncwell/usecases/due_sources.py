"""Timers of the sources whose job is due: in memory, found again in the store's due index when that is lost."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import structlog

from syncwell.domain.errors import LimitExceededError, OutcomeUnknownError, UnavailableError
from syncwell.domain.needs import Need
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.sharding import BUCKET_COUNT
from syncwell.ports.clock import Clock
from syncwell.repositories.needs import Needs

TIMERS_MAX = 200_000  # about 40 MB; sources beyond it are found by the sweep
AT_ONCE = 16  # jobs that are made side by side; each is one commit, which they share
PAUSE_AFTER_TROUBLE = timedelta(seconds=1)
HORIZON = timedelta(days=1)
RESTORE_LIMIT = 1_000  # for each bucket of users; what is due later comes with the sweep

SourceKey: TypeAlias = tuple[UserId, ConnectionId]
Make = Callable[[UserId, ConnectionId], Awaitable[int | None]]

log = structlog.get_logger()


class DueSources:
    """Calls `make` for each source when its time has come; what `make` returns is the source's next time."""

    def __init__(self, needs: Needs, clock: Clock, make: Make) -> None:
        self._needs = needs
        self._clock = clock
        self._make = make
        self._at_ms: dict[SourceKey, int] = {}
        self._heap: list[tuple[int, SourceKey]] = []
        self._woken = asyncio.Event()

    @property
    def count(self) -> int:
        """Returns how many timers are set."""
        return len(self._at_ms)

    def note(self, need: Need) -> None:
        """Sets the timer of a need that was just stored."""
        if need.due_at_ms is not None:
            self._set((need.user_id, need.connection_id), need.due_at_ms)

    async def restore(self) -> int:
        """Sets the timers of every need that the store knows to be due; returns how many.

        Raises:
            StoreUnavailableError: some may be missing; the sweep finds them.
        """
        until_ms = self._clock.now_ms() + HORIZON // timedelta(milliseconds=1)
        for bucket in range(BUCKET_COUNT):
            for need in await self._needs.list_due(bucket, until_ms=until_ms, limit=RESTORE_LIMIT):
                self.note(need)
        return self.count

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            self._woken.clear()
            due = self._take_due()
            if due:
                await asyncio.gather(*(self._fire(source) for source in due))
            else:
                await self._wait()

    async def _fire(self, source: SourceKey) -> None:
        try:
            next_ms = await self._make(*source)
        except (UnavailableError, OutcomeUnknownError, LimitExceededError) as exc:
            log.warning("source_job_not_made", error=exc.code)
            next_ms = self._clock.now_ms() + PAUSE_AFTER_TROUBLE // timedelta(milliseconds=1)
        except Exception:  # the timers' loop: one source's bug must not stop the others; the sweep looks again
            log.exception("source_job_broke")
            return
        if next_ms is not None:
            self._set(source, next_ms)

    def _set(self, source: SourceKey, at_ms: int) -> None:
        known = self._at_ms.get(source)
        if known is not None and known <= at_ms:
            return
        if known is None and len(self._at_ms) >= TIMERS_MAX:
            return
        self._at_ms[source] = at_ms
        heapq.heappush(self._heap, (at_ms, source))
        self._woken.set()

    def _take_due(self) -> list[SourceKey]:
        """Takes the sources whose time has come, a few at a time."""
        now_ms = self._clock.now_ms()
        taken: list[SourceKey] = []
        while self._heap and self._heap[0][0] <= now_ms and len(taken) < AT_ONCE:
            at_ms, source = heapq.heappop(self._heap)
            if self._at_ms.get(source) == at_ms:  # else an earlier time replaced this entry
                del self._at_ms[source]
                taken.append(source)
        return taken

    async def _wait(self) -> None:
        waits: set[asyncio.Future[object]] = {asyncio.ensure_future(self._woken.wait())}
        if self._heap:
            left = timedelta(milliseconds=self._heap[0][0] - self._clock.now_ms())
            waits.add(asyncio.ensure_future(self._clock.sleep(left)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
