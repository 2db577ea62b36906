"""How far a pair's cursor goes where the source lists by change time; `test_run_sync` has the listings by start."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.jobs import Counts, Job
from syncwell.domain.records import RecordId
from tests.unit.fakes.clock import settle
from tests.unit.fakes.sync_world import HOUR_MS, SyncWorld, metadata_of

DAY_MS = 24 * HOUR_MS
OVERLAP_MS = 48 * HOUR_MS


@pytest.fixture
async def world() -> SyncWorld:
    """A person whose account a lists by change time."""
    world = SyncWorld()
    await world.connect()
    world.accounts["a"].lists_by_change_time = True
    return world


def upload(world: SyncWorld, record_id: str, *, title: str = "Ride") -> None:
    """Puts a ride of three months ago there, uploaded an hour ago."""
    uploaded_ms = world.clock.now_ms() - HOUR_MS
    started_ms = uploaded_ms - 90 * DAY_MS
    world.accounts["a"].add(metadata_of(record_id, started_ms, title=title), changed_ms=uploaded_ms)


async def cursor_ms(world: SyncWorld, job: Job) -> int | None:
    """Returns where the pair's cursor stands."""
    return (await world.cursors.load(job.request)).seen_until_ms


async def test_cursor_is_when_the_reading_began(world: SyncWorld) -> None:
    """What is uploaded while a sync writes is in the window of the next one."""
    upload(world, "first")
    world.accounts["b"].gate = asyncio.Event()
    began_ms = world.clock.now_ms()
    job = await world.accept()
    running = asyncio.ensure_future(world.run(job))
    await settle()
    world.clock.advance(timedelta(seconds=3))
    meanwhile_ms = world.clock.now_ms()
    world.accounts["a"].add(metadata_of("meanwhile", began_ms - 60 * DAY_MS), changed_ms=meanwhile_ms)
    world.accounts["b"].gate.set()
    await running
    assert await cursor_ms(world, job) == began_ms < meanwhile_ms

    second = await world.sync()

    assert world.accounts["a"].windows[-1].start_ms == began_ms - OVERLAP_MS
    assert second.counts == Counts(created=1, skipped=1)
    assert await cursor_ms(world, job) == world.clock.now_ms()


async def test_empty_listing_moves_the_cursor(world: SyncWorld) -> None:
    """A source without news is read from here on, not again from the beginning."""
    job = await world.sync()

    assert await cursor_ms(world, job) == world.clock.now_ms()


async def test_first_failure_is_looked_at_for_a_week(world: SyncWorld) -> None:
    """A payload that cannot be read holds the cursor back by seven days, and the record is forgotten after them."""
    upload(world, "broken", title="broken")
    first_ms = world.clock.now_ms()
    job = await world.sync()
    assert job.counts == Counts(failed=1)
    assert await cursor_ms(world, job) == first_ms - 7 * DAY_MS

    world.clock.advance(timedelta(days=3))
    assert (await world.sync()).counts == Counts(failed=1)
    assert await cursor_ms(world, job) == first_ms - 4 * DAY_MS

    world.clock.advance(timedelta(days=9))
    assert (await world.sync()).counts == Counts(failed=1)
    assert await cursor_ms(world, job) == first_ms + 5 * DAY_MS

    assert (await world.sync()).counts == Counts()
    assert await cursor_ms(world, job) == world.clock.now_ms()


async def test_failure_holds_the_cursor_where_it_stands(world: SyncWorld) -> None:
    """A cursor within the week never moves back, and what is mended in place is synced by the next run."""
    first_ms = world.clock.now_ms()
    job = await world.sync()
    world.clock.advance(timedelta(days=1))
    upload(world, "broken", title="broken")

    assert (await world.sync()).counts == Counts(failed=1)
    assert await cursor_ms(world, job) == first_ms

    held = world.accounts["a"].held[RecordId("broken")]
    held.metadata = metadata_of("broken", held.metadata.start_ms, title="mended", version="2")
    world.clock.advance(timedelta(days=1))
    assert (await world.sync()).counts == Counts(created=1)
    assert await cursor_ms(world, job) == world.clock.now_ms()


async def test_clock_that_was_set_back_keeps_the_cursor(world: SyncWorld) -> None:
    """A reading that began before the last one, by a corrected clock, does not move the cursor back."""
    job = await world.sync()
    first_ms = world.clock.now_ms()
    world.clock.advance(-timedelta(hours=2))

    await world.sync()

    assert await cursor_ms(world, job) == first_ms
