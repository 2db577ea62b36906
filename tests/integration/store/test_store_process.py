"""The store process: its life, its edge, and what its clients see when it is gone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from syncwell.adapters.embedded import process_transport
from syncwell.adapters.embedded.process_transport import ProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedEventLog, EmbeddedItemStore, EmbeddedJobQueue
from syncwell.adapters.grpc.channel import open_channel
from syncwell.domain.errors import NotFoundError, OutcomeUnknownError, StoreUnavailableError
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Item, Key, Put
from syncwell.ports.job_queue import JobClass, JobMessage
from tests.contract.store_process import ROOT, StoreProcess

SERVICE = "syncwell.api.store.v1.StoreService"
KEY = Key("P", "S")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreProcess]:
    process = StoreProcess(tmp_path)
    process.start()
    yield process
    process.end()


@pytest.fixture
async def transport(store: StoreProcess) -> AsyncIterator[ProcessTransport]:
    opened = ProcessTransport(store.address, store.path)
    yield opened
    await opened.close()


async def test_health_and_reflection(store: StoreProcess) -> None:
    """The store says that it serves, and what."""
    async with open_channel(store.address) as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service=SERVICE), timeout=5
        )
        answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=5
        )
        listed = [service.name async for answer in answers for service in answer.list_services_response.service]

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert SERVICE in listed


async def test_sigterm_answers_what_was_accepted(store: StoreProcess, transport: ProcessTransport) -> None:
    """A stop under load ends in order: each write was done and acknowledged, or refused, or is known as unknown."""
    items = EmbeddedItemStore(transport)
    acknowledged: list[Key] = []

    async def write(user: int) -> None:
        for number in range(10_000):
            key = Key(f"P{user}", f"{number:05}")
            await items.transact([Put(Item(key, b"x"))])
            acknowledged.append(key)

    writers = [asyncio.create_task(write(user)) for user in range(16)]
    while len(acknowledged) < 200:
        await asyncio.sleep(0.005)
    code = await asyncio.to_thread(store.stop)
    ended = await asyncio.gather(*writers, return_exceptions=True)

    assert code == 0
    assert all(isinstance(error, StoreUnavailableError | OutcomeUnknownError) for error in ended), ended
    assert set(await items.get_many(acknowledged[:1_000])) == set(acknowledged[:1_000])


async def test_sigterm_ends_long_polls(store: StoreProcess, transport: ProcessTransport) -> None:
    """Receivers and readers that wait get an empty answer, and the stop does not wait for them."""
    queue, events = EmbeddedJobQueue(transport), EmbeddedEventLog(transport)
    receiving = asyncio.create_task(queue.receive(JobClass.BULK, limit=1, visibility=MINUTE, wait=MINUTE))
    reading = asyncio.create_task(events.read(after="0", limit=1, wait=MINUTE))
    await asyncio.sleep(0.2)

    async with asyncio.timeout(10):
        assert await asyncio.to_thread(store.stop) == 0
        assert await receiving == ()
        assert await reading == ()


async def test_clients_go_on_after_a_restart(store: StoreProcess, transport: ProcessTransport) -> None:
    """Reads are served while the store is down; writes work again by themselves, and messages are still there."""
    items, queue = EmbeddedItemStore(transport), EmbeddedJobQueue(transport)
    await items.transact([Put(Item(KEY, b"1"))])
    await queue.send([JobMessage("u", "job_1", JobClass.NORMAL)])
    store.kill()
    assert await items.get(KEY) == Item(KEY, b"1")
    fresh = EmbeddedItemStore(transport)
    assert await fresh.get(KEY) == Item(KEY, b"1")
    store.start()

    await items.transact([Put(Item(KEY, b"2"))])

    assert await items.get(KEY) == Item(KEY, b"2")
    (delivery,) = await queue.receive(JobClass.NORMAL, limit=1, visibility=MINUTE, wait=MINUTE)
    assert delivery.message.job_id == "job_1"


async def test_writes_without_a_store_fail_in_bounded_time(
    store: StoreProcess, transport: ProcessTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection means that nothing was written, and says so soon; nothing waits without end."""
    monkeypatch.setattr(process_transport, "CONNECT_SECONDS_MAX", 0.2)
    assert store.stop() == 0

    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailableError):
            await EmbeddedItemStore(transport).transact([Put(Item(KEY, b""))])
        with pytest.raises(StoreUnavailableError):
            await EmbeddedJobQueue(transport).receive(JobClass.BULK, limit=1, visibility=MINUTE, wait=MINUTE)
        with pytest.raises(StoreUnavailableError):
            await EmbeddedEventLog(transport).read(after=None, limit=1, wait=MINUTE)


async def test_waiting_receiver_learns_of_a_kill(store: StoreProcess, transport: ProcessTransport) -> None:
    """A long poll ends with an error when the store dies."""
    queue = EmbeddedJobQueue(transport)
    receiving = asyncio.create_task(queue.receive(JobClass.BULK, limit=1, visibility=MINUTE, wait=MINUTE))
    await asyncio.sleep(0.2)
    store.kill()

    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailableError):
            await receiving


async def test_cursor_of_the_future_is_refused(store: StoreProcess, transport: ProcessTransport) -> None:
    """A cursor that the log has not reached (the store was restored since) says: read the state anew."""
    events = EmbeddedEventLog(transport)
    await events.append([Event("e", "u", b"")])

    with pytest.raises(NotFoundError):
        await events.read(after="1000", limit=10, wait=MINUTE)


def test_second_store_is_refused(store: StoreProcess) -> None:
    """Two writers on one data directory cannot be; the second says what to do, and the first goes on."""
    second = subprocess.run(
        [sys.executable, "-m", "services.store"],
        cwd=ROOT,
        env=store.environment(),
        capture_output=True,
        timeout=20,
        check=False,
    )

    assert second.returncode == 2
    assert b"another process writes" in second.stderr
    assert b"Traceback" not in second.stderr
    assert store.stop() == 0


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    """A data directory with somebody else's file is left alone, with a message and no traceback."""
    process = StoreProcess(tmp_path)
    process.path.write_bytes(b"these are not the data you are looking for" * 100)

    refused = subprocess.run(
        [sys.executable, "-m", "services.store"],
        cwd=ROOT,
        env=process.environment(),
        capture_output=True,
        timeout=20,
        check=False,
    )

    assert refused.returncode == 2
    assert b"restore a backup" in refused.stderr
    assert b"Traceback" not in refused.stderr
