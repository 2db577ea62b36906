"""The store's gRPC edge: decode, ask the engine, encode."""

from __future__ import annotations

import grpc

from syncwell.adapters.embedded import wire
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.api.store.v1 import store_pb2 as pb
from syncwell.api.store.v1.store_pb2_grpc import StoreServiceServicer
from syncwell.domain.errors import InvalidInputError

OPERATIONS_MAX = 1_000
LIMIT_MAX = 1_000


class StoreServicer(StoreServiceServicer):
    """Serves `syncwell.api.store.v1.StoreService`."""

    def __init__(self, engine: Engine, transport: InProcessTransport) -> None:
        self._engine = engine
        self._transport = transport

    async def Execute(
        self, request: pb.ExecuteRequest, _context: grpc.aio.ServicerContext[pb.ExecuteRequest, pb.ExecuteResponse]
    ) -> pb.ExecuteResponse:
        """Does the operations in one commit."""
        if len(request.operations) > OPERATIONS_MAX:
            raise InvalidInputError(f"at most {OPERATIONS_MAX} operations go together", field="operations")
        outcomes = await self._engine.execute([wire.decode_operation(one) for one in request.operations])
        return pb.ExecuteResponse(results=[wire.encode_outcome(outcome) for outcome in outcomes])

    async def ReceiveMessages(
        self,
        request: pb.ReceiveMessagesRequest,
        _context: grpc.aio.ServicerContext[pb.ReceiveMessagesRequest, pb.ReceiveMessagesResponse],
    ) -> pb.ReceiveMessagesResponse:
        """Hands out messages."""
        deliveries = await self._transport.receive(
            wire.decode_class(request.job_class),
            limit=_limit_of(request),
            visibility_ms=max(0, request.visibility_ms),
            wait_ms=max(0, request.wait_ms),
        )
        return wire.encode_deliveries(deliveries)

    async def ReadEvents(
        self,
        request: pb.ReadEventsRequest,
        _context: grpc.aio.ServicerContext[pb.ReadEventsRequest, pb.ReadEventsResponse],
    ) -> pb.ReadEventsResponse:
        """Reads the event log."""
        after = request.after if request.HasField("after") else None
        events = await self._transport.read_events(after, limit=_limit_of(request), wait_ms=max(0, request.wait_ms))
        return wire.encode_events(events)


def _limit_of(request: pb.ReceiveMessagesRequest | pb.ReadEventsRequest) -> int:
    if not 1 <= request.limit <= LIMIT_MAX:
        raise InvalidInputError(f"the limit is 1 to {LIMIT_MAX}", field="limit")
    return request.limit
