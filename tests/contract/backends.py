"""The adapters that every contract suite runs on. A further adapter is one more entry in `BACKENDS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from syncwell.adapters.embedded.directory_blobs import DirectoryBlobStore
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.adapters.embedded.key_file_sealer import KeyFileSealer
from syncwell.adapters.embedded.process_transport import ProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedEventLog, EmbeddedItemStore, EmbeddedJobQueue
from syncwell.ports.blob_store import BlobStore
from syncwell.ports.event_log import EventLog
from syncwell.ports.item_store import ItemStore
from syncwell.ports.job_queue import JobClass, JobQueue
from syncwell.ports.sealer import Sealer
from tests.contract.store_process import StoreProcess
from tests.unit.fakes.clock import FakeClock


@dataclass(frozen=True)
class Backend:
    """Everything that an adapter of the store offers, and the means to move its time."""

    items: ItemStore
    queue: JobQueue
    events: EventLog
    now_ms: Callable[[], int]
    advance: Callable[[timedelta], None]
    purge: Callable[[], Awaitable[None]] | None  # None: it purges in its own time


Opener = Callable[["Surroundings"], AbstractAsyncContextManager[Backend]]


@dataclass(frozen=True)
class Surroundings:
    """What an adapter may need: a folder for this test, and a store process shared by the tests of a module."""

    folder: Path
    process: Callable[[], StoreProcess]


@asynccontextmanager
async def open_in_process(surroundings: Surroundings) -> AsyncIterator[Backend]:
    """The engine inside the test."""
    clock = FakeClock()
    async with Engine(surroundings.folder / "store.db", clock) as engine:
        transport = InProcessTransport(engine, clock)
        items, queue, events = EmbeddedItemStore(transport), EmbeddedJobQueue(transport), EmbeddedEventLog(transport)
        yield Backend(items, queue, events, clock.now_ms, clock.advance, engine.purge)
        for client in (items, queue, events, transport):
            client.close()


@asynccontextmanager
async def open_process(surroundings: Surroundings) -> AsyncIterator[Backend]:
    """The store process over its socket; emptied queues, other tests' items stay."""
    process = surroundings.process()
    transport = ProcessTransport(process.address, process.path)
    items, queue, events = EmbeddedItemStore(transport), EmbeddedJobQueue(transport), EmbeddedEventLog(transport)
    await empty_queues(queue, process.clock.advance)
    yield Backend(items, queue, events, process.clock.now_ms, process.clock.advance, None)
    for client in (items, queue, events):
        client.close()
    await transport.close()


BACKENDS: dict[str, Opener] = {"embedded-in-process": open_in_process, "embedded-process": open_process}
BLOB_STORES: dict[str, Callable[[Path], BlobStore]] = {
    "directory": lambda folder: DirectoryBlobStore(folder / "blobs", FakeClock())
}
SEALERS: dict[str, Callable[[Path], Sealer]] = {"key-files": lambda folder: KeyFileSealer(folder / "keys")}


async def empty_queues(queue: JobQueue, advance: Callable[[timedelta], None]) -> None:
    """Acknowledges what an earlier test left behind."""
    for job_class in JobClass:
        if await queue.depth(job_class):
            advance(timedelta(hours=13))
        while await queue.depth(job_class):
            left = await queue.receive(job_class, limit=100, visibility=timedelta(minutes=1), wait=timedelta(seconds=1))
            await queue.delete([delivery.receipt for delivery in left])
