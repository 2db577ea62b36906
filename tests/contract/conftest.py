"""Fixtures of the contract suites: each test runs once an adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from syncwell.ports.blob_store import BlobStore
from syncwell.ports.sealer import Sealer
from tests.contract.backends import BACKENDS, BLOB_STORES, SEALERS, Backend, Surroundings
from tests.contract.store_process import StoreProcess


@pytest.fixture(scope="module")
def store_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], StoreProcess]]:
    """A store process that the tests of a module share, started when the first asks."""
    started: list[StoreProcess] = []

    def start() -> StoreProcess:
        if not started:
            started.append(StoreProcess(tmp_path_factory.mktemp("store")))
            started[0].start()
        return started[0]

    yield start
    for process in started:
        process.end()


@pytest.fixture(params=BACKENDS)
async def backend(
    request: pytest.FixtureRequest, tmp_path: Path, store_process: Callable[[], StoreProcess]
) -> AsyncIterator[Backend]:
    """Items, queue and event log of one adapter."""
    async with BACKENDS[request.param](Surroundings(tmp_path, store_process)) as opened:
        yield opened


@pytest.fixture(params=BLOB_STORES)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """A blob store of one adapter, empty."""
    return BLOB_STORES[request.param](tmp_path)


@pytest.fixture(params=SEALERS)
def open_sealer(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Sealer]:
    """Opens a sealer of one adapter; each call stands for another process of the same installation."""
    return lambda: SEALERS[request.param](tmp_path)
