"""A gateway for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.gateway.bed import Bed, running_gateway


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    async with running_gateway(tmp_path) as bed:
        yield bed
