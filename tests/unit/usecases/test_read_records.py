"""Which windows the two accounts of a pair are asked for."""

from __future__ import annotations

from datetime import timedelta

from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import Counts, DateRange, JobState
from syncwell.domain.resolution import Outcome
from syncwell.usecases.sync_limits import SyncLimits
from tests.unit.fakes.sync_world import HOUR_MS, SyncWorld, metadata_of

DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS


async def world_with(limits: SyncLimits | None = None) -> SyncWorld:
    """Returns a person whose account a lists by change time."""
    world = SyncWorld(limits)
    await world.connect()
    world.accounts["a"].lists_by_change_time = True
    return world


def upload(world: SyncWorld, record_id: str, start_ms: int) -> None:
    """Puts a record there that came in an hour ago."""
    world.accounts["a"].add(metadata_of(record_id, start_ms), changed_ms=world.clock.now_ms() - HOUR_MS)


async def test_destination_is_asked_about_each_time_not_the_years_between() -> None:
    """An old recording that arrives with a new one costs two short listings, and its old copy is found."""
    world = await world_with()
    now_ms = world.clock.now_ms()
    old_ms, new_ms = now_ms - 3 * YEAR_MS, now_ms - 2 * HOUR_MS
    upload(world, "old", old_ms)
    upload(world, "new", new_ms)
    world.accounts["b"].add(metadata_of("copy", old_ms))
    for n in range(30):
        world.accounts["b"].add(metadata_of(f"between{n}", old_ms + (n + 5) * 30 * DAY_MS))

    job = await world.sync()

    windows = world.accounts["b"].windows
    assert [(window.start_ms, window.end_ms) for window in windows] == [
        (old_ms - DAY_MS, old_ms + HOUR_MS + DAY_MS),
        (new_ms - DAY_MS, new_ms + HOUR_MS + DAY_MS),
    ]
    assert (job.counts.created, job.counts.failed) == (1, 0)
    page = await world.decisions.load_page(job, now_ms=now_ms)
    assert [one.source_id for one in page.decisions if one.outcome is Outcome.CREATED] == ["new"]
    assert sum(held.metadata.start_ms == old_ms for held in world.accounts["b"].held.values()) == 1


async def test_bound_counts_all_listings_of_a_destination() -> None:
    """Many listings together hold no more records than one may."""
    world = await world_with(SyncLimits(records_max=3))
    now_ms = world.clock.now_ms()
    for n in range(2):
        upload(world, f"a{n}", now_ms - n * YEAR_MS - 2 * HOUR_MS)
        for m in range(2):
            world.accounts["b"].add(metadata_of(f"b{n}-{m}", now_ms - n * YEAR_MS - (3 + m) * HOUR_MS))

    job = await world.sync()

    assert (job.state, job.failure_reason) == (JobState.FAILED, FailureReason.TOO_MANY_RECORDS)


async def test_bound_counts_what_a_range_asks_for() -> None:
    """Records that arrived since, but started outside the range, take no room."""
    world = await world_with(SyncLimits(records_max=3))
    first_ms = world.clock.now_ms() - YEAR_MS
    upload(world, "wanted", first_ms)
    for n in range(1, 6):
        upload(world, f"other{n}", first_ms + n * DAY_MS)
    job = await world.accept(date_range=DateRange(first_ms, first_ms + DAY_MS))

    await world.run(job)

    assert (await world.stored(job)).counts == Counts(created=1)


async def test_destination_that_lists_by_change_is_asked_since_the_first_start() -> None:
    """A copy is found also where it came to the destination long after it started."""
    world = await world_with()
    world.accounts["b"].lists_by_change_time = True
    now_ms = world.clock.now_ms()
    old_ms = now_ms - YEAR_MS
    upload(world, "old", old_ms)
    world.accounts["b"].add(metadata_of("copy", old_ms), changed_ms=now_ms - 5 * DAY_MS)
    world.accounts["b"].add(metadata_of("other", now_ms - 9 * DAY_MS), changed_ms=now_ms - 5 * DAY_MS)

    job = await world.sync()

    (window,) = world.accounts["b"].windows
    assert (window.start_ms, window.end_ms) == (old_ms - DAY_MS, now_ms + DAY_MS)
    assert job.counts.created == 0
    assert set(world.accounts["b"].held) == {"copy", "other"}


async def test_time_zone_shift_is_within_the_window_of_a_cluster() -> None:
    """A copy a few whole hours away, as a wrong time zone leaves it, is listed with its cluster."""
    world = await world_with()
    old_ms = world.clock.now_ms() - YEAR_MS
    upload(world, "old", old_ms)
    shifted_ms = old_ms - timedelta(hours=9) // timedelta(milliseconds=1)
    world.accounts["b"].add(metadata_of("shifted", shifted_ms))

    await world.sync()

    (window,) = world.accounts["b"].windows
    assert window.start_ms <= shifted_ms < window.end_ms
