"""Makes the source jobs whose timer was lost: the coalescer died, or had more sources than timers (design D2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.repositories.needs import Needs

TIMER_GRACE = timedelta(seconds=2)  # a timer that lives is normally milliseconds late
SOURCES_MAX = 100

Make = Callable[[UserId, ConnectionId], Awaitable[int | None]]


class RepairNeeds:
    """Looks at needs that are overdue. Timers and several sweepers at once do no harm: one of them makes the job."""

    def __init__(self, needs: Needs, make: Make, clock: Clock) -> None:
        self._needs = needs
        self._make = make
        self._clock = clock

    async def repair_due(self, bucket: int, *, limit: int = SOURCES_MAX) -> int:
        """Looks at the overdue needs of a bucket of users; returns how many.

        Raises:
            StoreUnavailableError: the sweep stopped half-way; the next one goes on.
        """
        until_ms = self._clock.now_ms() - TIMER_GRACE // timedelta(milliseconds=1)
        overdue = await self._needs.list_due(bucket, until_ms=until_ms, limit=limit)
        for need in overdue:
            await self._make(need.user_id, need.connection_id)
        return len(overdue)
