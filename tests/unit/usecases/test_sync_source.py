"""A source job: one reading for every config, and what it has covered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import OutcomeUnknownError, ProviderRefusedError, ProviderUnavailableError
from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import JobMode, JobState
from syncwell.domain.needs import LOOKS_MAX
from syncwell.domain.records import ConnectionId
from syncwell.usecases.sync_steps import SyncStep
from tests.unit.fakes.source_world import SourceWorld
from tests.unit.fakes.sync_world import HOUR_MS, LAG, USER, FakeCrashPoints, Killed, metadata_of

LEASE = timedelta(seconds=31)


@pytest.fixture
async def world() -> SourceWorld:
    world = SourceWorld()
    await world.connect()
    await world.wish("b")
    await world.wish("c")
    return world


def ride(world: SourceWorld, name: str, *, hours_ago: int) -> None:
    start_ms = world.clock.now_ms() - hours_ago * HOUR_MS
    world.accounts["a"].add(metadata_of(name, start_ms, elapsed_ms=HOUR_MS // 2 + hours_ago * 61_000))


async def test_one_reading_serves_every_config(world: SourceWorld) -> None:
    """The source is listed once, both destinations get the record, and both configs have covered the event."""
    ride(world, "a1", hours_ago=3)
    await world.event("a1")

    result = await world.sync_source()

    assert result is not None
    assert result.job is not None
    assert (result.job.state, result.job.request.mode) == (JobState.SUCCEEDED, JobMode.WEBHOOK)
    assert result.job.counts.created == 2
    assert world.accounts["a"].calls.count("list") == 1
    assert len(world.accounts["b"].held) == len(world.accounts["c"].held) == 1
    need = await world.need()
    assert set(need.covered.values()) == {1}
    assert (need.job, need.due_at_ms, need.pending_at_ms, dict(need.expected)) == (None, None, None, {})


async def test_a_disabled_config_gets_nothing_and_owes_nothing(world: SourceWorld) -> None:
    """Only enabled configs are served, and the need is clean without the others."""
    ride(world, "a1", hours_ago=3)
    for config in await world.accounts_rows.load_configs_of(USER, ConnectionId("conn-c")):
        await world.accounts_rows.delete_config(config)
    await world.wish("c", is_enabled=False)
    await world.event("a1")

    await world.sync_source()

    assert not world.accounts["c"].held
    assert (await world.need()).due_at_ms is None


async def test_an_event_during_the_run_is_left_to_the_next_job(world: SourceWorld) -> None:
    """What is counted after the job has read the count is not covered by it, and is due at the window's end."""
    ride(world, "a1", hours_ago=3)
    await world.event("a1")
    job = await world.fire()
    assert job is not None
    original = world.accounts["a"].fetch_metadata

    async def told_meanwhile(*args: object, **more: object) -> object:
        await world.event("a2")
        return await original(*args, **more)  # type: ignore[arg-type]  # passed on as they come

    world.accounts["a"].fetch_metadata = told_meanwhile  # type: ignore[method-assign,assignment]  # an event in between
    await world.run(job)
    world.accounts["a"].fetch_metadata = original  # type: ignore[method-assign]  # no more of them

    need = await world.need()
    assert (need.dirty_sequence, need.covered_sequence, need.job) == (2, 1, None)
    assert need.due_at_ms == need.last_job_ms + 60_000  # type: ignore[operator]  # a job was made
    assert await world.fire() is None
    ride(world, "a2", hours_ago=8)
    world.pass_window()
    await world.sync_source()
    assert (await world.need()).covered_sequence == 2
    assert len(world.accounts["b"].held) == 2


@pytest.mark.parametrize("point", [SyncStep.AFTER_SOURCE_READ, SyncStep.AFTER_UPLOAD, SyncStep.BEFORE_COMMIT])
async def test_a_killed_source_job_is_finished_by_the_next_worker(world: SourceWorld, point: SyncStep) -> None:
    """Whatever step a worker dies at, the job ends with one record at each destination and the event covered."""
    world.accounts["b"].lag = world.accounts["c"].lag = LAG
    ride(world, "a1", hours_ago=3)
    await world.event("a1")
    job = await world.fire()
    assert job is not None
    with pytest.raises((Killed, BaseExceptionGroup)):
        await world.run(job, world.worker("w1", FakeCrashPoints(point)))
    world.clock.advance(LEASE)

    result = await world.run(job, world.worker("w2"))
    while result.job is not None and not result.job.state.is_terminal:
        world.clock.advance(LEASE)
        result = await world.run(job, world.worker("w2"))

    assert len(world.accounts["b"].held) == len(world.accounts["c"].held) == 1
    assert (await world.job(job.job_id)).state is JobState.SUCCEEDED
    assert (await world.need()).due_at_ms is None


async def test_one_destination_in_trouble_does_not_keep_the_other(world: SourceWorld) -> None:
    """A config that cannot be served for good leaves the job partially failed; the other is synced and covered."""
    await world.connect(status=ConnectionStatus.NEEDS_REAUTH, name="b")
    ride(world, "a1", hours_ago=3)
    await world.event("a1")

    result = await world.sync_source()

    assert result is not None
    assert result.job is not None
    assert (result.job.state, result.job.failure_reason) == (JobState.PARTIALLY_FAILED, FailureReason.REAUTH)
    assert len(world.accounts["c"].held) == 1
    need = await world.need()
    assert need.covered == {"conn-a--conn-c--workout": 1}
    assert need.due_at_ms is not None
    assert need.failure_count == 1


async def test_trouble_that_may_pass_is_tried_again_in_the_same_job(world: SourceWorld) -> None:
    """A destination that is away makes the job wait; what the other got is not written twice."""
    world.accounts["b"].fail["list"] = [ProviderUnavailableError("away")]
    ride(world, "a1", hours_ago=3)
    await world.event("a1")
    job = await world.fire()
    assert job is not None

    first = await world.run(job)
    assert first.job is not None
    assert first.job.state is JobState.QUEUED
    assert (await world.need()).job is not None
    world.clock.advance(timedelta(minutes=10))
    second = await world.run(job)

    assert second.job is not None
    assert second.job.state is JobState.SUCCEEDED
    assert len(world.accounts["b"].held) == len(world.accounts["c"].held) == 1
    assert (await world.need()).due_at_ms is None


async def test_a_job_that_failed_for_good_makes_another_due_later(world: SourceWorld) -> None:
    """A refused source leaves the event uncovered; the pause before the next job grows."""
    pauses = []
    await world.event("a1")
    for _ in range(3):
        world.accounts["a"].fail["list"] = [ProviderRefusedError("no")]
        result = await world.sync_source()
        assert result is not None
        assert result.job is not None
        assert result.job.state is JobState.FAILED
        need = await world.need()
        assert need.job is None
        assert need.covered_sequence == 0
        assert need.due_at_ms is not None
        pauses.append(need.due_at_ms - world.clock.now_ms())
        world.clock.advance(timedelta(milliseconds=pauses[-1]))

    assert pauses == [60_000, 120_000, 240_000]


async def test_a_record_that_is_published_late_is_looked_for_again(world: SourceWorld) -> None:
    """The event names a record that the listing does not show yet: another job looks after the provider's lag."""
    await world.event("a1")
    await world.sync_source()
    need = await world.need()
    assert need.covered_sequence == 1
    assert list(need.expected) == ["a1"]
    assert need.due_at_ms is not None
    ride(world, "a1", hours_ago=3)
    world.pass_window()

    await world.sync_source()

    assert len(world.accounts["b"].held) == 1
    assert (await world.need()).due_at_ms is None


async def test_a_late_upload_of_an_old_record_is_found_by_the_second_look(world: SourceWorld) -> None:
    """The first look reads what is new; the second one reads as far back as a first sync."""
    ride(world, "a1", hours_ago=3)
    await world.event("a1")
    await world.sync_source()
    world.pass_window()
    ride(world, "a2", hours_ago=24 * 20)
    await world.event("a2")

    await world.sync_source()
    assert len(world.accounts["b"].held) == 1
    world.pass_window()
    await world.sync_source()

    assert len(world.accounts["b"].held) == 2
    assert (await world.need()).due_at_ms is None


async def test_a_record_that_never_shows_is_given_up(world: SourceWorld) -> None:
    """A private record costs a bounded number of looks."""
    await world.event("a1")
    runs = 0
    while await world.sync_source() is not None:
        runs += 1
        world.clock.advance(timedelta(minutes=10))

    assert runs == LOOKS_MAX
    assert (await world.need()).due_at_ms is None


async def test_a_lost_answer_to_a_commit_is_found_out(world: SourceWorld) -> None:
    """When the store's answer to a config's commit is lost, the job still ends well and once."""
    ride(world, "a1", hours_ago=3)
    await world.event("a1")
    job = await world.fire()
    assert job is not None
    real = world.store.transact
    lost = [True]

    async def losing(writes: object) -> None:
        await real(writes)  # type: ignore[arg-type]  # passed on as it comes
        if lost and any("CURSOR#" in str(write) for write in writes):  # type: ignore[attr-defined]
            lost.clear()
            raise OutcomeUnknownError("lost")

    world.store.transact = losing  # type: ignore[method-assign]  # one answer is lost
    result = await world.run(job)

    assert result.job is not None
    assert result.job.state is JobState.SUCCEEDED
    assert not lost
    assert (await world.need()).covered_sequence == 1
