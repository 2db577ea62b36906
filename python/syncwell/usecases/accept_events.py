"""Accepts change events: durable before the answer, one write for each source and batch (design D2, D12)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias
from weakref import WeakValueDictionary

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.jobs import JobMode
from syncwell.domain.needs import EventBatch, Need
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.source_events import SOURCE_EVENTS_MAX, SourceEvent
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.repositories.needs import Needs
from syncwell.usecases.event_steps import EventStep

SourceKey: TypeAlias = tuple[UserId, ConnectionId]


@dataclass(slots=True)
class _Waiting:
    """One caller's events of one source, until a write holds them."""

    events: Sequence[SourceEvent]
    is_written: bool = False
    error: Exception | None = None


@dataclass(slots=True, weakref_slot=True)
class _Gathering:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[_Waiting] = field(default_factory=list)


class AcceptEvents:
    """Raises the dirty sequence of each source by the events that came for it.

    `on_due` hears of every need whose job has a due time now.
    """

    def __init__(
        self,
        needs: Needs,
        clock: Clock,
        crash_points: CrashPoints | None = None,
        *,
        window: timedelta,
        on_due: Callable[[Need], None] | None = None,
        history: History | None = None,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._needs = needs
        self._clock = clock
        self._crash_points = crash_points or NoCrashPoints()
        self._window_ms = window // timedelta(milliseconds=1)
        self._on_due = on_due
        self._history = history
        self._metrics = metrics
        self._gatherings: WeakValueDictionary[SourceKey, _Gathering] = WeakValueDictionary()

    async def __call__(self, events: Sequence[SourceEvent], *, mode: JobMode = JobMode.WEBHOOK) -> int:
        """Returns how many events are durable now: all of them.

        Raises:
            InvalidInputError: more than 1,000 events.
            StoreUnavailableError: some may not be durable; send all again (an event twice costs one look).
        """
        if len(events) > SOURCE_EVENTS_MAX:
            raise InvalidInputError(f"at most {SOURCE_EVENTS_MAX} events a call", field="events")
        by_source: defaultdict[SourceKey, list[SourceEvent]] = defaultdict(list)
        for event in events:
            by_source[event.user_id, event.connection_id].append(event)
        self._crash_points.reach(EventStep.BEFORE_ACCEPT)
        await asyncio.gather(*(self._accept(source, batch, mode) for source, batch in by_source.items()))
        self._crash_points.reach(EventStep.AFTER_ACCEPT)
        self._metrics.count(Metric.COALESCER_EVENTS, len(events))
        return len(events)

    async def _accept(self, source: SourceKey, events: Sequence[SourceEvent], mode: JobMode) -> None:
        """Waits until a write holds `events`: what comes while one is in flight goes into the next together."""
        gathering = self._gatherings.get(source)
        if gathering is None:
            gathering = self._gatherings[source] = _Gathering()
        mine = _Waiting(events)
        gathering.waiting.append(mine)
        async with gathering.lock:
            if not mine.is_written and mine.error is None:
                await self._write(source, gathering, mine, mode)
        if mine.error is not None:
            raise mine.error

    async def _write(self, source: SourceKey, gathering: _Gathering, mine: _Waiting, mode: JobMode) -> None:
        taken, gathering.waiting = gathering.waiting, []
        batch = self._batch_of([event for each in taken for event in each.events], mode)
        try:
            need = await self._count(source, batch)
        except asyncio.CancelledError:
            # Only this caller was cancelled; another of those who wait writes for the rest.
            gathering.waiting = [each for each in taken if each is not mine] + gathering.waiting
            raise
        except Exception as exc:
            for each in taken:
                each.error = exc
            return
        for each in taken:
            each.is_written = True
        if self._on_due is not None and need.due_at_ms is not None:
            self._on_due(need)

    async def _count(self, source: SourceKey, batch: EventBatch) -> Need:
        now_ms = self._clock.now_ms()
        need = await self._needs.change(
            *source, lambda seen: seen.with_events(batch, now_ms=now_ms, window_ms=self._window_ms)
        )
        if self._history is not None:
            user_id, connection_id = source
            self._history.record(
                Op.OK,
                "event.accept",
                user=user_id,
                source=connection_id,
                sequence=need.dirty_sequence,
                count=len(batch.identities),
            )
        return need

    def _batch_of(self, events: Sequence[SourceEvent], mode: JobMode) -> EventBatch:
        starts = [event.starts_from_ms for event in events if event.starts_from_ms is not None]
        return EventBatch(
            identities=tuple(event.identity for event in events),
            data_types=frozenset(event.data_type for event in events),
            arrived_at_ms=min([self._clock.now_ms(), *(event.arrived_at_ms for event in events)]),
            records=frozenset(event.record_id for event in events if event.record_id and not event.is_deletion),
            gone=frozenset(event.record_id for event in events if event.is_deletion),
            starts_from_ms=min(starts, default=None),
            mode=mode,
        )
