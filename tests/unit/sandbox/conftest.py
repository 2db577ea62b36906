"""Running sandboxes with one person in each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.strava.sandbox import StravaSandbox
from tests.unit.sandbox.driver import Driver, driving


@pytest.fixture
async def strava() -> AsyncIterator[Driver]:
    async with driving(StravaSandbox) as driver:
        await driver.control("POST", "/users", {"id": "77", "name": "Ada Ride", "timezone": "Europe/Berlin"})
        await driver.connect("77")
        yield driver


@pytest.fixture
async def garmin() -> AsyncIterator[Driver]:
    async with driving(GarminSandbox) as driver:
        await driver.control("POST", "/users", {"id": "g-1", "name": "Ada Ride"})
        await driver.connect("g-1")
        yield driver
