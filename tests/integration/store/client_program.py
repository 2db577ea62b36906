"""A client process of the store, for tests: `python -m tests.integration.store.client_program <address> <file> <what>`.

Prints one JSON value when done (`load`: one line an acknowledged write).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from syncwell.adapters.embedded.process_transport import ProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedItemStore, EmbeddedJobQueue
from syncwell.domain.errors import OutcomeUnknownError, StoreUnavailableError
from syncwell.ports.item_store import Absent, Item, Key, Put, VersionEquals
from syncwell.ports.job_queue import JobClass

COUNTER = Key("COUNTER", "all")
WAITERS = 8


async def increment(transport: ProcessTransport, times: int) -> int:
    """Adds 1 to the shared counter `times` times under version conditions; returns how often it was refused."""
    items = EmbeddedItemStore(transport)
    refusals = 0
    for _ in range(times):
        while True:
            found = await items.get(COUNTER)
            assert found is not None
            changed = Item(COUNTER, str(int(found.body) + 1).encode(), version=found.version + 1)
            if (await items.write_each([Put(changed, VersionEquals(found.version))]))[0]:
                break
            refusals += 1
    return refusals


async def receive(transport: ProcessTransport) -> list[str]:
    """Receives until nothing comes any more, acknowledging nothing; returns the jobs."""
    queue = EmbeddedJobQueue(transport)
    jobs: list[str] = []
    while deliveries := await queue.receive(
        JobClass.NORMAL, limit=7, visibility=timedelta(hours=1), wait=timedelta(seconds=1)
    ):
        jobs += [delivery.message.job_id for delivery in deliveries]
    return jobs


async def load(transport: ProcessTransport) -> None:
    """Inserts without end; prints the key of each acknowledged write. Ends when the store is gone."""
    items = EmbeddedItemStore(transport)
    numbers = itertools.count()

    async def insert() -> None:
        while True:
            key = Key(f"LOAD#{os.getpid()}", f"{next(numbers):08}")
            await items.transact([Put(Item(key, b"x" * 500, at_ms=1), Absent())])
            sys.stdout.write(json.dumps([key.partition, key.sort]) + "\n")
            sys.stdout.flush()

    ended = await asyncio.gather(*[insert() for _ in range(WAITERS)], return_exceptions=True)
    assert all(isinstance(error, OutcomeUnknownError | StoreUnavailableError) for error in ended), ended


async def main(address: str, path: str, what: str) -> None:
    """Does what is asked."""
    transport = ProcessTransport(address, Path(path))
    if what == "receive":
        sys.stdout.write(json.dumps(await receive(transport)))
    elif what == "load":
        await load(transport)
    else:
        sys.stdout.write(json.dumps(await increment(transport, int(what))))
    await transport.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
