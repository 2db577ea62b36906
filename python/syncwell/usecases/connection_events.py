"""Facts about a connection, as readers of the event log get them: no name, no account, no token."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.events.v1 import events_pb2
from syncwell.domain.connections import Connection
from syncwell.ports.clock import Clock
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Put
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.publish_outbox import PublishOutbox


class ConnectionEvents:
    """Tells of each new state once: `put` goes into the state's own transaction, `publish` follows its commit.

    What a process leaves between the two is published by the sweep of the outbox.
    """

    def __init__(self, outbox: Outbox, publisher: PublishOutbox, clock: Clock) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._clock = clock

    def event_of(self, connection: Connection) -> Event:
        """Returns the fact that `connection` has come to stand as it does; its id is the connection's version."""
        event_id = f"evt_{connection.connection_id}_{connection.version}"
        at = Timestamp()
        at.FromMilliseconds(self._clock.now_ms())
        fact = events_pb2.ConnectionUpdated(
            connection_id=connection.connection_id,
            status=connection.status.value,
            generation=connection.generation,
            version=connection.version,
        )
        body = events_pb2.Event(event_id=event_id, user_id=connection.user_id, event_time=at, connection_updated=fact)
        return Event(event_id, connection.user_id, body.SerializeToString())

    def put(self, event: Event) -> Put:
        """Returns the write of a fact that is to be published."""
        return self._outbox.entry(event, now_ms=self._clock.now_ms())

    async def publish(self, event: Event) -> None:
        """Publishes a committed fact; one that cannot be published now is left to the sweep."""
        await self._publisher.publish([event])
