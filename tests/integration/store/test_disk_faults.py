"""The store on a disk that fails: full, without sync, without power."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from syncwell.adapters.embedded import checkpointer, schema
from syncwell.adapters.embedded import engine as engine_module
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedEventLog, EmbeddedItemStore, EmbeddedJobQueue
from syncwell.adapters.embedded.store_file import StoreFile
from syncwell.domain.errors import OutcomeUnknownError, StorageFullError
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Item, Key, Put
from syncwell.ports.job_queue import JobClass, JobMessage
from tests.integration.store.faulty_disk import FaultyDisk
from tests.unit.fakes.clock import FakeClock

KEY = Key("P", "S")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    faulty = FaultyDisk()
    yield faulty
    faulty.unregister()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    return data


@dataclass(frozen=True)
class Clients:
    """The store's clients over one engine."""

    items: EmbeddedItemStore
    queue: EmbeddedJobQueue
    events: EmbeddedEventLog


@asynccontextmanager
async def open_clients(path: Path) -> AsyncIterator[Clients]:
    """Opens an engine on the faulty disk; everything is closed in order, or SQLite would meet the disk later."""
    clock = FakeClock()
    async with Engine(path, clock) as engine:
        transport = InProcessTransport(engine, clock)
        clients = Clients(EmbeddedItemStore(transport), EmbeddedJobQueue(transport), EmbeddedEventLog(transport))
        yield clients
        for opened in (clients.items, clients.queue, clients.events, transport):
            opened.close()


@pytest.fixture
async def clients(disk: FaultyDisk, folder: Path) -> AsyncIterator[Clients]:
    async with open_clients(folder / "store.db") as opened:
        yield opened


async def test_full_disk_refuses_writes_and_serves_reads(disk: FaultyDisk, clients: Clients) -> None:
    """Every kind of write says that the disk is full, reads go on, and nothing of the refused is there."""
    items, queue, events = clients.items, clients.queue, clients.events
    old = Item(KEY, b"old")
    await items.transact([Put(old)])
    await queue.send([JobMessage("u", "job_1", JobClass.NORMAL)])
    tail = await events.tail()
    disk.is_full = True

    with pytest.raises(StorageFullError):
        await items.transact([Put(Item(KEY, b"new"))])
    with pytest.raises(StorageFullError):
        await items.write_each([Put(Item(KEY, b"new"))])
    with pytest.raises(StorageFullError):
        await queue.send([JobMessage("u", "job_2", JobClass.NORMAL)])
    with pytest.raises(StorageFullError):
        await queue.receive(JobClass.NORMAL, limit=1, visibility=MINUTE, wait=MINUTE)
    with pytest.raises(StorageFullError):
        await events.append([Event("e", "u", b"")])

    assert await items.get(KEY) == old
    assert await queue.depth(JobClass.NORMAL) == 1
    assert await events.tail() == tail


async def test_store_recovers_from_a_full_disk_by_itself(disk: FaultyDisk, clients: Clients) -> None:
    """As soon as there is space, writes work, without a restart."""
    items, queue = clients.items, clients.queue
    disk.is_full = True
    with pytest.raises(StorageFullError):
        await items.transact([Put(Item(KEY, b"1"))])
    disk.is_full = False

    await items.transact([Put(Item(KEY, b"2"))])
    await queue.send([JobMessage("u", "job_1", JobClass.NORMAL)])

    assert await items.get(KEY) == Item(KEY, b"2")
    assert len(await queue.receive(JobClass.NORMAL, limit=1, visibility=MINUTE, wait=MINUTE)) == 1


async def test_all_of_a_failed_batch_are_told(disk: FaultyDisk, clients: Clients) -> None:
    """Callers that shared the commit all learn of its failure; none is left waiting, none believes in success."""
    items = clients.items
    disk.is_full = True

    ended = await asyncio.gather(
        *[items.transact([Put(Item(Key("P", str(number)), b""))]) for number in range(50)], return_exceptions=True
    )

    assert [type(error) for error in ended] == [StorageFullError] * 50
    assert (await items.query("P")).items == ()


async def test_unconfirmed_sync_is_an_unknown_outcome(disk: FaultyDisk, clients: Clients) -> None:
    """When the disk does not confirm, the store does not claim that nothing was written."""
    items = clients.items
    disk.fails_syncs = True
    with pytest.raises(OutcomeUnknownError):
        await items.transact([Put(Item(KEY, b"1"))])
    disk.fails_syncs = False

    await items.transact([Put(Item(KEY, b"2"))])
    assert await items.get(KEY) == Item(KEY, b"2")


@pytest.mark.parametrize("moment", range(10))
async def test_acknowledged_writes_survive_a_power_loss(
    disk: FaultyDisk, clients: Clients, folder: Path, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment of a load with checkpoints, dropping all that was not synced leaves every acknowledged write."""
    monkeypatch.setattr(checkpointer, "LOG_PAGES_DUE", 20)
    missing = await _lose_power_under_load(disk, clients, folder, acknowledged_count=20 + 37 * moment)

    assert missing == set()


async def test_power_loss_check_finds_a_missing_sync(
    disk: FaultyDisk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above can fail: a store that commits without syncing loses writes in it."""
    monkeypatch.setattr(engine_module, "open_writer", _open_careless)
    async with open_clients(folder / "store.db") as clients:
        missing = await _lose_power_under_load(disk, clients, folder, acknowledged_count=50)

    assert missing


async def _lose_power_under_load(disk: FaultyDisk, clients: Clients, folder: Path, acknowledged_count: int) -> set[Key]:
    items = clients.items
    acknowledged: set[Key] = set()
    lost = asyncio.Event()

    async def write(user: int) -> None:
        number = 0
        while not lost.is_set():
            key = Key(f"U{user}", f"{number:05}")
            await items.transact([Put(Item(key, bytes(3_000), at_ms=number))])
            number += 1
            if lost.is_set():
                return
            acknowledged.add(key)
            if len(acknowledged) >= acknowledged_count:
                disk.lose_power(folder, folder.with_name("after"))
                lost.set()

    async with asyncio.TaskGroup() as group:
        for user in range(8):
            group.create_task(write(user))
    return await _missing_of(acknowledged, folder.with_name("after") / "store.db")


async def _missing_of(keys: set[Key], path: Path) -> set[Key]:
    async with Engine(path, FakeClock()):
        file = StoreFile(path)
        missing = {key for key in keys if file.items.get(key) is None}
        file.close()
    return missing


def _open_careless(path: Path) -> apsw.Connection:
    connection = schema.open_writer(path)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
