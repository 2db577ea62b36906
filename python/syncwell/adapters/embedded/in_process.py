"""The transport inside one process: tests, simulations, commands, and the store process itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.event_table import EventReader
from syncwell.adapters.embedded.operations import Operation, Outcome
from syncwell.adapters.embedded.schema import open_reader
from syncwell.adapters.embedded.transport import WAIT_MS_MAX, StoreTransport
from syncwell.ports.clock import Clock
from syncwell.ports.event_log import LoggedEvent
from syncwell.ports.job_queue import Delivery, JobClass


class InProcessTransport(StoreTransport):
    """Talks to an engine of the same event loop."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        # The writer's own connection belongs to the commit while that is in flight.
        self._connection = open_reader(engine.path)
        self._events = EventReader(self._connection)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._engine.path

    async def execute(self, operation: Operation) -> Outcome:
        """Does one operation."""
        (outcome,) = await self._engine.execute([operation])
        return outcome

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility_ms: int, wait_ms: int
    ) -> tuple[Delivery, ...]:
        """Hands out messages."""
        return await self._engine.receive(
            job_class, limit=limit, visibility_ms=visibility_ms, wait_ms=min(wait_ms, WAIT_MS_MAX)
        )

    async def read_events(self, after: str | None, *, limit: int, wait_ms: int) -> tuple[LoggedEvent, ...]:
        """Reads the log, woken by whoever appends."""
        appended = self._engine.appended
        cursor = self._events.tail() if after is None else after
        until_ms = self._clock.now_ms() + min(wait_ms, WAIT_MS_MAX)
        while True:
            count = appended.count
            events = self._events.read(cursor, limit=limit)
            left_ms = until_ms - self._clock.now_ms()
            if events or left_ms <= 0 or self._engine.is_closing:
                return events
            await appended.wait_beyond(count, longest=timedelta(milliseconds=left_ms))

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()
