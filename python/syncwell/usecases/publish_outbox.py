"""Publishes facts of the outbox to the event log: each writer its own at once, a sweep what was left behind."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from syncwell.domain.errors import OutcomeUnknownError, UnavailableError
from syncwell.ports.clock import Clock
from syncwell.ports.event_log import Event, EventLog
from syncwell.repositories.outbox import Outbox

log = structlog.get_logger()


class PublishOutbox:
    """Moves facts from the outbox into the log, at least once."""

    def __init__(self, *, outbox: Outbox, event_log: EventLog, clock: Clock) -> None:
        self._outbox = outbox
        self._event_log = event_log
        self._clock = clock

    async def publish(self, events: Sequence[Event]) -> bool:
        """Publishes facts that were just committed; returns False where they were left to the sweep."""
        if not events:
            return True
        try:
            await self._event_log.append(events)
            await self._outbox.remove(events)
        except (UnavailableError, OutcomeUnknownError):
            log.warning("events_left_in_outbox", count=len(events))
            return False
        return True

    async def publish_due(self, bucket: int, *, limit: int = 100) -> int:
        """Publishes what writers left behind in a bucket of users; returns how many facts that were."""
        events = await self._outbox.list_due(bucket, now_ms=self._clock.now_ms(), limit=limit)
        return len(events) if await self.publish(events) else 0
