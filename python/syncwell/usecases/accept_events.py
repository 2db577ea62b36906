"""Accepts change events: durable before the answer, one write for each source and batch (design D2)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.needs import Need
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.repositories.needs import Needs
from syncwell.usecases.event_steps import EventStep

EVENTS_MAX = 1000


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """Something changed at a source; `arrived_at_ms` is when we heard of it."""

    user_id: UserId
    connection_id: ConnectionId
    data_type: DataType
    arrived_at_ms: int


class AcceptEvents:
    """Raises the dirty sequence of each source by the events that came for it."""

    def __init__(self, needs: Needs, clock: Clock, crash_points: CrashPoints | None = None) -> None:
        self._needs = needs
        self._clock = clock
        self._crash_points = crash_points or NoCrashPoints()

    async def __call__(self, events: Sequence[SourceEvent]) -> int:
        """Returns how many events are durable now: all of them.

        Raises:
            InvalidInputError: more than 1,000 events.
            StoreUnavailableError: some may not be durable; send all again (an event twice costs one look).
        """
        if len(events) > EVENTS_MAX:
            raise InvalidInputError(f"at most {EVENTS_MAX} events a call", field="events")
        by_source: defaultdict[tuple[UserId, ConnectionId], list[SourceEvent]] = defaultdict(list)
        for event in events:
            by_source[event.user_id, event.connection_id].append(event)
        self._crash_points.reach(EventStep.BEFORE_ACCEPT)
        await asyncio.gather(*(self._accept(source, batch) for source, batch in by_source.items()))
        self._crash_points.reach(EventStep.AFTER_ACCEPT)
        return len(events)

    async def _accept(self, source: tuple[UserId, ConnectionId], batch: Sequence[SourceEvent]) -> None:
        data_types = frozenset(event.data_type for event in batch)
        arrived_at_ms = min([self._clock.now_ms(), *(event.arrived_at_ms for event in batch)])

        def add(need: Need) -> Need:
            return need.with_events(len(batch), data_types, arrived_at_ms)

        await self._needs.change(*source, add)
