"""Publishes facts of the outbox to the event log: each writer its own at once, a sweep what was left behind."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from syncwell.domain.errors import OutcomeUnknownError, UnavailableError
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.ports.event_log import Event, EventLog
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.sweep_steps import OutboxStep

log = structlog.get_logger()


class PublishOutbox:
    """Moves facts from the outbox into the log, at least once."""

    def __init__(
        self, *, outbox: Outbox, event_log: EventLog, clock: Clock, crash_points: CrashPoints | None = None
    ) -> None:
        self._outbox = outbox
        self._event_log = event_log
        self._clock = clock
        self._crash_points = crash_points or NoCrashPoints()

    async def publish(self, events: Sequence[Event]) -> bool:
        """Publishes facts that were just committed; returns False where they were left to the sweep."""
        if not events:
            return True
        self._crash_points.reach(OutboxStep.BEFORE_APPEND)
        try:
            await self._event_log.append(events)
            self._crash_points.reach(OutboxStep.AFTER_APPEND)
            await self._outbox.remove(events)
        except (UnavailableError, OutcomeUnknownError):
            log.warning("events_left_in_outbox", count=len(events))
            return False
        return True

    async def publish_due(self, bucket: int, *, limit: int = 100) -> int:
        """Publishes what writers left behind in a bucket of users; returns how many facts that were."""
        events = await self._outbox.list_due(bucket, now_ms=self._clock.now_ms(), limit=limit)
        return len(events) if await self.publish(events) else 0
