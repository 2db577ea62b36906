"""A cancelled job ends before its next write, and its counts are what stands at the destination."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.api.events.v1 import events_pb2
from syncwell.domain.errors import ConflictError, NotFoundError, ProviderThrottledError
from syncwell.domain.jobs import Counts, Job, JobId, JobState
from syncwell.domain.records import UserId
from syncwell.domain.resolution import Outcome
from syncwell.domain.sharding import bucket_of
from syncwell.usecases.cancel_job import CancelJob
from syncwell.usecases.job_writes import JobWrites
from syncwell.usecases.requeue_jobs import RequeueJobs
from syncwell.usecases.run_sync import Receipt
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_steps import SyncStep
from tests.unit.fakes.clock import settle
from tests.unit.fakes.sync_world import HOUR_MS, USER, FakeCrashPoints, Killed, SyncWorld, metadata_of

RECORDS = 5


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld(SyncLimits(writes_at_once=1, payloads_at_once=1))
    await world.connect()
    for n in range(RECORDS):
        start_ms = world.clock.now_ms() - (n + 2) * 6 * HOUR_MS - n * n * 60_000
        world.accounts["a"].add(metadata_of(f"a{n}", start_ms, elapsed_ms=HOUR_MS + n * 780_000))
    return world


def canceller(world: SyncWorld) -> CancelJob:
    return CancelJob(
        jobs=world.jobs,
        writes=JobWrites(world.ledger, world.accounts_rows),
        decisions=world.decisions,
        outbox=world.outbox,
        clock=world.clock,
        history=world.history,
    )


async def created(world: SyncWorld, job: Job) -> set[str]:
    page = await world.decisions.load_page(await world.stored(job), now_ms=world.clock.now_ms())
    return {one.source_id for one in page.decisions if one.outcome is Outcome.CREATED}


async def test_waiting_job_is_cancelled_at_once(world: SyncWorld) -> None:
    """A job that nobody runs is CANCELLED in the answer, is never run, and the world is told."""
    job = await world.accept()

    cancelled = await canceller(world).cancel(USER, job.job_id)
    result = await world.run(job)

    assert cancelled.state is JobState.CANCELLED
    assert result.receipt is Receipt.ACKNOWLEDGE
    assert world.accounts["a"].calls == []
    (event,) = await world.outbox.list_due(bucket_of(USER), now_ms=world.clock.now_ms(), limit=10)
    body = events_pb2.Event.FromString(event.body)
    assert (body.job_updated.job_id, body.job_updated.state) == (job.job_id, "CANCELLED")


async def test_running_job_stops_before_its_next_write(world: SyncWorld) -> None:
    """The write under way is finished and counted, the next one is not begun."""
    gate = world.accounts["b"].gate = asyncio.Event()
    job = await world.accept()
    running = asyncio.ensure_future(world.run(job))
    await settle(60)

    asked = await canceller(world).cancel(USER, job.job_id)
    gate.set()
    result = await running

    assert (asked.state, result.receipt) == (JobState.RUNNING, Receipt.ACKNOWLEDGE)
    stored = await world.stored(job)
    assert (stored.state, stored.counts) == (JobState.CANCELLED, Counts(created=1))
    assert len(world.accounts["b"].held) == 1
    assert len(await created(world, job)) == 1
    assert events_pb2.Event.FromString(world.event_log.events[-1].body).job_updated.state == "CANCELLED"


async def test_next_sync_brings_the_rest_once(world: SyncWorld) -> None:
    """What a cancelled job left undone is done by the next one, and nothing twice."""
    gate = world.accounts["b"].gate = asyncio.Event()
    job = await world.accept()
    running = asyncio.ensure_future(world.run(job))
    await settle(60)
    await canceller(world).cancel(USER, job.job_id)
    gate.set()
    await running

    assert (await world.sync()).counts == Counts(created=RECORDS - 1, skipped=1)
    assert len(world.accounts["b"].held) == RECORDS


async def test_dead_workers_writes_are_counted(world: SyncWorld) -> None:
    """Where the worker died before it saw the wish, the next one ends the job without a call and counts them."""
    job = await world.accept()
    with pytest.raises(BaseException) as killed:  # noqa: PT011 - alone or in a group
        await world.run(job, world.worker("dead", FakeCrashPoints(SyncStep.AFTER_WRITTEN, 2)))
    assert killed.group_contains(Killed)
    assert (await canceller(world).cancel(USER, job.job_id)).state is JobState.RUNNING
    world.clock.advance(world.limits.lease)
    await RequeueJobs(jobs=world.jobs, queue=world.queue, clock=world.clock).requeue_due(bucket_of(USER))
    calls = list(world.accounts["b"].calls)

    await world.run(job)

    stored = await world.stored(job)
    assert (stored.state, stored.counts) == (JobState.CANCELLED, Counts(created=2))
    assert world.accounts["b"].calls == calls


async def test_parked_job_keeps_the_counts_of_its_first_attempt(world: SyncWorld) -> None:
    """A job that waits after having written something is cancelled at once, with what it wrote."""
    job = await world.accept()
    later = ProviderThrottledError("later", retry_after=timedelta(hours=1), provider="b")
    world.accounts["a"].fail["payload a3"] = [later]
    await world.run(job)
    written = len(world.accounts["b"].held)
    assert 0 < written < RECORDS

    cancelled = await canceller(world).cancel(USER, job.job_id)

    assert (cancelled.state, cancelled.counts) == (JobState.CANCELLED, Counts(created=written))
    assert len(await created(world, job)) == written


async def test_wish_during_a_failure_ends_the_job_without_its_wait(world: SyncWorld) -> None:
    """A job that is asked to stop just when it must wait does not wait: its next claim ends it."""
    job = await world.accept()
    world.accounts["b"].gate = asyncio.Event()
    running = asyncio.ensure_future(world.run(job))
    await settle(60)
    world.accounts["b"].fail["write"] = [ProviderThrottledError("later", retry_after=timedelta(hours=1), provider="b")]
    await canceller(world).cancel(USER, job.job_id)
    world.accounts["b"].gate.set()

    await running

    assert (await world.stored(job)).retry_at_ms is None
    await world.run(job)
    assert (await world.stored(job)).state is JobState.CANCELLED


async def test_cancelling_twice_is_as_good_as_once(world: SyncWorld) -> None:
    """A second wish changes nothing, whether the first one was carried out or not."""
    job = await world.accept()
    first = await canceller(world).cancel(USER, job.job_id)

    assert await canceller(world).cancel(USER, job.job_id) == first


async def test_ended_and_foreign_jobs_are_refused(world: SyncWorld) -> None:
    """A finished job cannot be cancelled; another user's job is not there."""
    job = await world.sync()

    with pytest.raises(ConflictError):
        await canceller(world).cancel(USER, job.job_id)
    with pytest.raises(NotFoundError):
        await canceller(world).cancel(UserId("usr_other"), job.job_id)
    with pytest.raises(NotFoundError):
        await canceller(world).cancel(USER, JobId("job_none"))
