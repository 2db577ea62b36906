"""The client's side of the socket, against a store that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import grpc
import pytest

from syncwell.adapters.embedded import process_transport
from syncwell.adapters.embedded.operations import Outcome, SendMessages, WriteEach
from syncwell.adapters.embedded.process_transport import ProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedItemStore, EmbeddedJobQueue
from syncwell.api.store.v1 import store_pb2 as pb
from syncwell.api.store.v1.store_pb2_grpc import StoreServiceServicer, add_StoreServiceServicer_to_server
from syncwell.domain.errors import InvalidInputError, OutcomeUnknownError, StoreUnavailableError
from syncwell.ports.item_store import Item, Key, Put
from syncwell.ports.job_queue import JobClass, JobMessage

Context: TypeAlias = "grpc.aio.ServicerContext[pb.ExecuteRequest, pb.ExecuteResponse]"
Behaviour: TypeAlias = Callable[[pb.ExecuteRequest, Context], Awaitable[pb.ExecuteResponse]]
PUT = WriteEach([Put(Item(Key("P", "S"), b""))])


class ScriptedStore(StoreServiceServicer):
    """Answers as the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = answer_all
        self.requests: list[pb.ExecuteRequest] = []

    async def Execute(self, request: pb.ExecuteRequest, context: Context) -> pb.ExecuteResponse:
        self.requests.append(request)
        return await self.behaviour(request, context)

    async def ReceiveMessages(self, request: object, context: object) -> pb.ReceiveMessagesResponse:
        raise NotImplementedError

    async def ReadEvents(self, request: object, context: object) -> pb.ReadEventsResponse:
        raise NotImplementedError


async def answer_all(request: pb.ExecuteRequest, _: Context) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(results=[pb.Result(done=[True]) for _ in request.operations])


async def answer_none(_: pb.ExecuteRequest, __: Context) -> pb.ExecuteResponse:
    return pb.ExecuteResponse()


async def hang(_: pb.ExecuteRequest, __: Context) -> pb.ExecuteResponse:
    await asyncio.Event().wait()
    return pb.ExecuteResponse()


async def break_down(_: pb.ExecuteRequest, context: Context) -> pb.ExecuteResponse:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "socket closed")
    return pb.ExecuteResponse()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ScriptedStore]:
    scripted = ScriptedStore()
    server = grpc.aio.server()
    add_StoreServiceServicer_to_server(scripted, server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    yield scripted
    await server.stop(grace=0)


@pytest.fixture
async def transport(store: ScriptedStore, tmp_path: Path) -> AsyncIterator[ProcessTransport]:
    opened = ProcessTransport(f"unix:{tmp_path}/s", tmp_path / "store.db")
    yield opened
    await opened.close()


async def test_callers_share_calls(store: ScriptedStore, transport: ProcessTransport) -> None:
    """Many callers at once are few calls, and each gets its own answer."""
    outcomes = await asyncio.gather(*[transport.execute(PUT) for _ in range(100)])

    assert outcomes == [(True,)] * 100
    assert sum(len(request.operations) for request in store.requests) == 100
    assert len(store.requests) <= 3


async def test_next_batch_gathers_while_calls_are_in_flight(store: ScriptedStore, transport: ProcessTransport) -> None:
    """No more calls than allowed are in flight; whoever comes meanwhile goes together."""
    release = asyncio.Event()

    async def wait_then_answer(request: pb.ExecuteRequest, context: Context) -> pb.ExecuteResponse:
        await release.wait()
        return await answer_all(request, context)

    store.behaviour = wait_then_answer
    early = []
    for _ in range(process_transport.CALLS_IN_FLIGHT_MAX + 30):
        early.append(asyncio.create_task(transport.execute(PUT)))
        await asyncio.sleep(0.005)
    assert len(store.requests) == process_transport.CALLS_IN_FLIGHT_MAX
    release.set()
    await asyncio.gather(*early)

    assert len(store.requests) <= process_transport.CALLS_IN_FLIGHT_MAX * 2


async def test_batches_are_bounded(
    store: ScriptedStore, transport: ProcessTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call carries neither more operations nor more bytes than allowed."""
    monkeypatch.setattr(process_transport, "BATCH_OPERATIONS_MAX", 5)
    monkeypatch.setattr(process_transport, "BATCH_BYTES_MAX", 1_000)
    sizes = [10] * 12 + [400] * 6 + [5_000] + [10]
    await asyncio.gather(*[transport.execute(WriteEach([Put(Item(Key("P", "S"), bytes(size)))])) for size in sizes])

    assert sum(len(request.operations) for request in store.requests) == len(sizes)
    assert all(len(request.operations) <= 5 for request in store.requests)
    assert all(request.ByteSize() <= 1_000 or len(request.operations) == 1 for request in store.requests)


async def test_too_much_waiting_is_refused(
    store: ScriptedStore, transport: ProcessTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound, callers learn at once that nothing was sent."""
    monkeypatch.setattr(process_transport, "WAITING_OPERATIONS_MAX", 10)

    outcomes = await asyncio.gather(*[transport.execute(PUT) for _ in range(12)])

    assert outcomes[:10] == [(True,)] * 10
    assert [type(outcome) for outcome in outcomes[10:]] == [StoreUnavailableError] * 2


@pytest.mark.parametrize("behaviour", [break_down, answer_none, hang], ids=lambda one: one.__name__)
async def test_lost_answer_is_an_unknown_outcome(
    store: ScriptedStore, transport: ProcessTransport, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    """Once sent, a write without an answer may have been done: everybody in the call is told so, in bounded time."""
    monkeypatch.setattr(process_transport, "CALL_SECONDS_MAX", 0.2)
    store.behaviour = behaviour

    async with asyncio.timeout(5):
        outcomes: list[Outcome] = await asyncio.gather(*[transport.execute(PUT) for _ in range(3)])

    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknownError] * 3
    assert len(set(map(id, outcomes))) == 3


async def test_calls_go_on_after_a_lost_answer(
    store: ScriptedStore, transport: ProcessTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call's end frees its place."""
    monkeypatch.setattr(process_transport, "CALL_SECONDS_MAX", 0.1)
    store.behaviour = hang
    for _ in range(process_transport.CALLS_IN_FLIGHT_MAX + 1):
        await transport.execute(PUT)
    store.behaviour = answer_all

    assert await transport.execute(PUT) == (True,)


async def test_lost_answer_of_the_queue_is_unavailability(store: ScriptedStore, transport: ProcessTransport) -> None:
    """The queue is a hint: its callers know one kind of trouble only."""
    store.behaviour = break_down

    with pytest.raises(StoreUnavailableError):
        await EmbeddedJobQueue(transport).send([JobMessage("u", "job_1", JobClass.NORMAL)])


async def test_caller_that_gave_up_harms_nobody(store: ScriptedStore, transport: ProcessTransport) -> None:
    """A cancelled caller's neighbours in the call are answered."""
    callers = [asyncio.create_task(transport.execute(PUT)) for _ in range(3)]
    await asyncio.sleep(0)
    callers[1].cancel()

    assert await callers[0] == (True,)
    assert await callers[2] == (True,)


async def test_closing_finishes_what_was_accepted(store: ScriptedStore, transport: ProcessTransport) -> None:
    """A closed transport has answered everybody, and refuses the next."""
    accepted = [asyncio.create_task(transport.execute(SendMessages([]))) for _ in range(40)]
    await asyncio.sleep(0)
    await transport.close()

    assert [task.result() for task in accepted] == [(True,)] * 40
    assert isinstance(await transport.execute(PUT), StoreUnavailableError)


async def test_impossible_writes_are_not_sent(store: ScriptedStore, transport: ProcessTransport) -> None:
    """What no store could take never reaches the wire."""
    items = EmbeddedItemStore(transport)
    too_many = [Put(Item(Key("P", str(number)), b"")) for number in range(1_001)]

    for writes in (too_many, [Put(Item(Key("", "S"), b""))], [Put(Item(Key("P", "ü" * 600), b""))]):
        with pytest.raises(InvalidInputError):
            await items.write_each(writes)
    assert store.requests == []
