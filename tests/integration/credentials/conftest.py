"""Fixtures of the credentials service's integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.credentials.world import World, running


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A running service with a Strava sandbox behind it."""
    async with running(tmp_path) as opened:
        yield opened
