"""`CoalescerService`: parse, one use case, answer."""

from __future__ import annotations

import grpc

from syncwell.adapters.grpc.data_types import data_type_of
from syncwell.api.coalescer.v1 import coalescer_pb2, coalescer_pb2_grpc
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.source_events import SourceEvent
from syncwell.repositories.needs import Needs
from syncwell.runtime.caller_identity import CallerVerifier
from syncwell.usecases.accept_events import AcceptEvents

CALLERS = ("gateway", "scheduler", "cli")
IDENTITY_BYTES_MAX = 32
RECORD_ID_MAX = 200


class CoalescerServicer(coalescer_pb2_grpc.CoalescerServiceServicer):
    """Takes change events durably."""

    def __init__(self, callers: CallerVerifier, accept_events: AcceptEvents, needs: Needs) -> None:
        self._callers = callers
        self._accept_events = accept_events
        self._needs = needs

    async def AcceptEvents(
        self,
        request: coalescer_pb2.AcceptEventsRequest,
        context: grpc.aio.ServicerContext[coalescer_pb2.AcceptEventsRequest, coalescer_pb2.AcceptEventsResponse],
    ) -> coalescer_pb2.AcceptEventsResponse:
        """Accepts events durably."""
        self._callers.require(context, *CALLERS)
        count = await self._accept_events([_event_of(event) for event in request.events])
        return coalescer_pb2.AcceptEventsResponse(accepted_count=count)

    async def GetNeed(
        self,
        request: coalescer_pb2.GetNeedRequest,
        context: grpc.aio.ServicerContext[coalescer_pb2.GetNeedRequest, coalescer_pb2.GetNeedResponse],
    ) -> coalescer_pb2.GetNeedResponse:
        """Tells how far a source's events are covered."""
        self._callers.require(context, *CALLERS)
        need = await self._needs.load(UserId(request.user_id), ConnectionId(request.connection_id))
        return coalescer_pb2.GetNeedResponse(dirty_sequence=need.dirty_sequence, covered_sequence=need.covered_sequence)


def _event_of(event: coalescer_pb2.SourceEvent) -> SourceEvent:
    if not event.user_id or not event.connection_id:
        raise InvalidInputError("an event must name its user and connection", field="events")
    if len(event.identity) > IDENTITY_BYTES_MAX or len(event.record_id) > RECORD_ID_MAX:
        raise InvalidInputError("the identity or the record of an event is too long", field="events")
    return SourceEvent(
        UserId(event.user_id),
        ConnectionId(event.connection_id),
        data_type_of(event.data_type),
        event.arrival_time.ToMilliseconds(),
        record_id=event.record_id,
        identity=event.identity,
        is_deletion=event.is_deletion,
        starts_from_ms=event.record_start_time.ToMilliseconds() if event.HasField("record_start_time") else None,
    )
