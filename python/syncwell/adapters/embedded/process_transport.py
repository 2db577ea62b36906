"""The transport to the store process: while calls are in flight, the next batch gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import grpc

from syncwell.adapters.embedded import wire
from syncwell.adapters.embedded.operations import Operation, Outcome
from syncwell.adapters.embedded.transport import StoreTransport
from syncwell.adapters.grpc.channel import MESSAGE_BYTES_MAX, open_channel
from syncwell.adapters.grpc.errors import error_of
from syncwell.api.store.v1 import store_pb2 as pb
from syncwell.api.store.v1.store_pb2_grpc import StoreServiceStub
from syncwell.domain.errors import InvalidInputError, OutcomeUnknownError, StoreUnavailableError, SyncWellError
from syncwell.ports.event_log import LoggedEvent
from syncwell.ports.job_queue import Delivery, JobClass

CALLS_IN_FLIGHT_MAX = 2  # one is being committed while the next is on its way
BATCH_OPERATIONS_MAX = 256
SHARE_OPERATIONS_MIN = 16  # below this a second call costs more than it gains
BATCH_BYTES_MAX = MESSAGE_BYTES_MAX // 2  # one transaction (4 MB at most) beside the batch still fits a message
WAITING_OPERATIONS_MAX = 10_000
WAITING_BYTES_MAX = 64 * 1024 * 1024
CALL_SECONDS_MAX = 10.0
CONNECT_SECONDS_MAX = 3.0  # a restarted store is back within this
ANSWER_SECONDS = 5.0  # what a long poll may take beyond its wait

_EXECUTE = "/syncwell.api.store.v1.StoreService/Execute"


@dataclass(frozen=True, slots=True)
class _Waiting:
    encoded: bytes
    outcome: asyncio.Future[Outcome]


class ProcessTransport(StoreTransport):
    """Talks to `python -m services.store` over its Unix socket. Make it inside the running event loop."""

    def __init__(self, address: str, path: Path) -> None:
        self._path = path
        self._channel = open_channel(address)
        self._stub = StoreServiceStub(self._channel)
        # Operations are serialised one by one as they come: concatenated, they are the request.
        self._execute: grpc.aio.UnaryUnaryMultiCallable[bytes, pb.ExecuteResponse] = self._channel.unary_unary(
            _EXECUTE, response_deserializer=pb.ExecuteResponse.FromString
        )
        self._waiting: deque[_Waiting] = deque()
        self._waiting_byte_count = 0
        self._calls: set[asyncio.Task[None]] = set()
        self._is_start_scheduled = False
        self._is_closed = False

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    async def execute(self, operation: Operation) -> Outcome:
        """Does one operation within the next batch."""
        encoded = wire.encode_operation(operation)
        if self._is_closed:
            return StoreUnavailableError("the store client is closed")
        if len(self._waiting) >= WAITING_OPERATIONS_MAX or self._waiting_byte_count + len(encoded) > WAITING_BYTES_MAX:
            return StoreUnavailableError("the store is behind; try again")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append(_Waiting(encoded, outcome))
        self._waiting_byte_count += len(encoded)
        if not self._is_start_scheduled and len(self._calls) < CALLS_IN_FLIGHT_MAX:
            # At the end of this turn of the loop: everybody who became ready in it shares the call.
            self._is_start_scheduled = True
            loop.call_soon(self._start_call)
        return await outcome

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility_ms: int, wait_ms: int
    ) -> tuple[Delivery, ...]:
        """Hands out messages."""
        request = pb.ReceiveMessagesRequest(
            job_class=job_class.value, limit=limit, visibility_ms=visibility_ms, wait_ms=wait_ms
        )
        await self._require_connection()
        try:
            response = await self._stub.ReceiveMessages(request, timeout=wait_ms / 1000 + ANSWER_SECONDS)
        except grpc.aio.AioRpcError as exc:
            raise error_of(exc, unavailable=StoreUnavailableError) from exc
        return wire.decode_deliveries(response)

    async def read_events(self, after: str | None, *, limit: int, wait_ms: int) -> tuple[LoggedEvent, ...]:
        """Reads the log."""
        request = pb.ReadEventsRequest(after=after, limit=limit, wait_ms=wait_ms)
        await self._require_connection()
        try:
            response = await self._stub.ReadEvents(request, timeout=wait_ms / 1000 + ANSWER_SECONDS)
        except grpc.aio.AioRpcError as exc:
            raise error_of(exc, unavailable=StoreUnavailableError) from exc
        return wire.decode_events(response)

    async def close(self) -> None:
        """Refuses new work, waits for what was accepted, and closes the channel; end long polls first."""
        self._is_closed = True
        while self._calls or self._waiting:
            if self._calls:
                await asyncio.wait(self._calls)
            await asyncio.sleep(0)
        await self._channel.close()

    def _start_call(self) -> None:
        self._is_start_scheduled = False
        while self._waiting and len(self._calls) < CALLS_IN_FLIGHT_MAX:
            # An even share for each free call: the store commits one half while it reads the other.
            free_count = CALLS_IN_FLIGHT_MAX - len(self._calls)
            share = max(SHARE_OPERATIONS_MIN, -(-len(self._waiting) // free_count))
            call = asyncio.create_task(self._call(self._take_batch(min(share, BATCH_OPERATIONS_MAX))))
            self._calls.add(call)
            call.add_done_callback(self._end_call)

    def _end_call(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if self._waiting and not self._is_start_scheduled:
            self._is_start_scheduled = True
            asyncio.get_running_loop().call_soon(self._start_call)

    def _take_batch(self, operations_max: int) -> list[_Waiting]:
        batch: list[_Waiting] = []
        byte_count = 0
        while self._waiting and len(batch) < operations_max:
            size = len(self._waiting[0].encoded)
            if batch and byte_count + size > BATCH_BYTES_MAX:
                break
            batch.append(self._waiting.popleft())
            byte_count += size
        self._waiting_byte_count -= byte_count
        return batch

    async def _call(self, batch: list[_Waiting]) -> None:
        outcomes = await self._outcomes_of(batch)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)

    async def _outcomes_of(self, batch: list[_Waiting]) -> list[Outcome]:
        try:
            await self._require_connection()
            response = await self._execute(b"".join([one.encoded for one in batch]), timeout=CALL_SECONDS_MAX)
        except StoreUnavailableError as exc:
            return [StoreUnavailableError(exc.message) for _ in batch]
        except grpc.aio.AioRpcError as exc:
            return [_error_of(exc) for _ in batch]
        if len(response.results) != len(batch):
            return [OutcomeUnknownError("the store answered out of step; read back first") for _ in batch]
        return [wire.decode_outcome(result) for result in response.results]

    async def _require_connection(self) -> None:
        if self._channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY:
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await self._channel.channel_ready()
        except TimeoutError as exc:
            raise StoreUnavailableError("the store process cannot be reached; is it running?") from exc


def _error_of(exc: grpc.aio.AioRpcError) -> SyncWellError:
    # The store says these of itself where it did nothing. Silence, or anything else, means that nobody knows.
    error = error_of(exc, unavailable=OutcomeUnknownError)
    if isinstance(error, StoreUnavailableError | InvalidInputError):
        return error
    return OutcomeUnknownError("the store's answer was lost; read back before deciding")
