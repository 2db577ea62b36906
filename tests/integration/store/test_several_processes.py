"""Several client processes on one store process, as an installation runs them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncwell.adapters.embedded.process_transport import ProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedItemStore, EmbeddedJobQueue
from syncwell.ports.item_store import Item, Key, Put
from syncwell.ports.job_queue import JobClass, JobMessage
from tests.contract.store_process import ROOT, StoreProcess
from tests.integration.store.client_program import COUNTER

CLIENTS = 4
INCREMENTS = 40
MESSAGES = 300
KILLS = 3
ACKNOWLEDGED_BEFORE_KILL = 150


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreProcess]:
    process = StoreProcess(tmp_path)
    process.start()
    yield process
    process.end()


async def test_no_update_of_several_processes_is_lost(store: StoreProcess) -> None:
    """Conditional increments of four processes all count."""
    transport = ProcessTransport(store.address, store.path)
    items = EmbeddedItemStore(transport)
    await items.transact([Put(Item(COUNTER, b"0"))])

    await asyncio.gather(*[_run(store, str(INCREMENTS)) for _ in range(CLIENTS)])

    found = await items.get(COUNTER)
    assert found is not None
    assert (int(found.body), found.version) == (CLIENTS * INCREMENTS, CLIENTS * INCREMENTS + 1)
    await transport.close()


async def test_no_message_goes_to_two_processes(store: StoreProcess) -> None:
    """Within its visibility a message has one receiver, and every message has one."""
    transport = ProcessTransport(store.address, store.path)
    queue = EmbeddedJobQueue(transport)
    await queue.send([JobMessage("u", f"job_{number}", JobClass.NORMAL) for number in range(MESSAGES)])

    shares = await asyncio.gather(*[_run(store, "receive") for _ in range(CLIENTS)])

    received = [job for share in shares for job in json.loads(share)]
    assert sorted(received) == sorted(f"job_{number}" for number in range(MESSAGES))
    await transport.close()


async def test_acknowledged_writes_survive_kill_minus_nine(store: StoreProcess) -> None:
    """However often the store is killed under load, it opens again with every write that it acknowledged."""
    acknowledged: set[Key] = set()
    for _ in range(KILLS):
        acknowledged |= await _load_until_killed(store)
        store.start()

    transport = ProcessTransport(store.address, store.path)
    items = EmbeddedItemStore(transport)
    keys = sorted(acknowledged, key=lambda key: (key.partition, key.sort))
    for start in range(0, len(keys), 1_000):
        part = keys[start : start + 1_000]
        assert set(await items.get_many(part)) == set(part)
    assert len(acknowledged) >= KILLS * ACKNOWLEDGED_BEFORE_KILL
    await items.transact([Put(Item(Key("AFTER", "kill"), b""))])
    await transport.close()


async def _load_until_killed(store: StoreProcess) -> set[Key]:
    process = await _start(store, "load")
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(ACKNOWLEDGED_BEFORE_KILL)]
    store.kill()
    rest, _ = await process.communicate()
    assert process.returncode == 0
    return {Key(*json.loads(line)) for line in [*lines, *rest.splitlines()]}


async def _run(store: StoreProcess, what: str) -> bytes:
    process = await _start(store, what)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output


async def _start(store: StoreProcess, what: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.store.client_program",
        store.address,
        str(store.path),
        what,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        stdout=asyncio.subprocess.PIPE,
    )
