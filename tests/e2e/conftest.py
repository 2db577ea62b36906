"""One observed run for all tests that look at what a run leaves behind."""

from __future__ import annotations

import asyncio

import pytest

from syncwell.sandbox.ids import IdSource
from tests.e2e.observed_run import ObservedRun, observe


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> ObservedRun:
    token = IdSource("strava|syncwell").text("access")
    return asyncio.run(observe(tmp_path_factory.mktemp("observed"), recorded_token=token))
