"""The coalescer as the gateway and the scheduler see it."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from syncwell.adapters.grpc.channel import call_metadata
from syncwell.adapters.grpc.data_types import data_type_to_proto
from syncwell.adapters.grpc.errors import error_of
from syncwell.api.coalescer.v1 import coalescer_pb2 as pb
from syncwell.api.coalescer.v1.coalescer_pb2_grpc import CoalescerServiceStub
from syncwell.domain.errors import UnavailableError
from syncwell.domain.source_events import SourceEvent
from syncwell.ports.source_events import SourceEvents

ACCEPT_SECONDS = 1.5  # providers wait two seconds for an answer


class GrpcSourceEvents(SourceEvents):
    """Sends events to the coalescer; `identity` is the calling service's (name, key)."""

    def __init__(self, channel: grpc.aio.Channel, identity: tuple[str, str]) -> None:
        self._stub = CoalescerServiceStub(channel)
        self._identity = identity

    async def accept(self, events: Sequence[SourceEvent]) -> None:
        """Returns when all are durable."""
        request = pb.AcceptEventsRequest(events=[_message(event) for event in events])
        metadata = call_metadata(identity=self._identity)
        try:
            await self._stub.AcceptEvents(request, metadata=metadata, timeout=ACCEPT_SECONDS)
        except grpc.aio.AioRpcError as exc:
            raise error_of(exc, unavailable=UnavailableError) from exc


def _message(event: SourceEvent) -> pb.SourceEvent:
    message = pb.SourceEvent(
        user_id=event.user_id,
        connection_id=event.connection_id,
        data_type=data_type_to_proto(event.data_type),
        record_id=event.record_id,
        identity=event.identity,
        is_deletion=event.is_deletion,
    )
    message.arrival_time.FromMilliseconds(event.arrived_at_ms)
    if event.starts_from_ms is not None:
        message.record_start_time.FromMilliseconds(event.starts_from_ms)
    return message
