"""One gateway for the tests of a module; each test has people of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.integration.gateway.bed import Bed, running_gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_bed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bed]:
    async with running_gateway(tmp_path_factory.mktemp("gateway")) as bed:
        yield bed


@pytest.fixture
def bed(shared_bed: Bed) -> Bed:
    """The shared gateway as if it were new: nobody is known, nothing fails."""
    shared_bed.connector.failure = None
    shared_bed.connector.calls.clear()
    shared_bed.checks["store"] = True
    return replace(shared_bed, crowd=uuid.uuid4().hex)
