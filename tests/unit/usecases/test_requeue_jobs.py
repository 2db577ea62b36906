"""What the queue loses, the due index finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncwell.domain import job_life
from syncwell.domain.errors import FenceLostError, StoreUnavailableError
from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import Counts, Job, JobState
from syncwell.domain.sharding import bucket_of
from syncwell.repositories.jobs import HINT_GRACE
from syncwell.usecases.requeue_jobs import RequeueJobs
from syncwell.usecases.run_sync import Receipt
from tests.unit.fakes.sync_world import USER, SyncWorld

BUCKET = bucket_of(USER)
LEASE = timedelta(seconds=30)


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    return world


def requeue(world: SyncWorld) -> RequeueJobs:
    return RequeueJobs(jobs=world.jobs, queue=world.queue, clock=world.clock)


async def claimed(world: SyncWorld, job: Job) -> Job:
    claim = await world.jobs.claim(USER, job.job_id, owner="w", now_ms=world.clock.now_ms(), lease=LEASE)
    assert claim.job is not None
    return claim.job


async def test_lost_hint_is_sent_again_after_its_grace(world: SyncWorld) -> None:
    """A queued job that nobody took is hinted anew, once a grace."""
    job = await world.accept()
    world.queue.sent.clear()

    assert await requeue(world).requeue_due(BUCKET) == 0
    world.clock.advance(HINT_GRACE)
    assert await requeue(world).requeue_due(BUCKET) == 1
    assert await requeue(world).requeue_due(BUCKET) == 0
    assert [message.job_id for message, _ in world.queue.sent] == [job.job_id]


async def test_dead_worker_loses_its_job(world: SyncWorld) -> None:
    """A running job whose lease has ended is queued again under a higher fence; its old owner can write nothing."""
    running = await claimed(world, await world.accept())

    world.clock.advance(LEASE)
    assert await requeue(world).requeue_due(BUCKET) == 1

    stored = await world.stored(running)
    assert (stored.state, stored.attempt, stored.fence) == (JobState.QUEUED, 0, running.fence + 1)
    with pytest.raises(FenceLostError):
        await world.jobs.replace(running, job_life.finished(running, now_ms=0, counts=Counts()))
    assert (await world.run(running)).receipt is Receipt.ACKNOWLEDGE


async def test_parked_job_comes_back_when_it_is_due(world: SyncWorld) -> None:
    """A deferred job is hinted when its wait has ended, not before, and can then be claimed."""
    running = await claimed(world, await world.accept())
    retry_at_ms = world.clock.now_ms() + 3_600_000
    parked = job_life.deferred(
        running, now_ms=world.clock.now_ms(), retry_at_ms=retry_at_ms, reason=WaitReason.PROVIDER_THROTTLED
    )
    await world.jobs.replace(running, parked)
    world.clock.advance(timedelta(minutes=59))
    assert await requeue(world).requeue_due(BUCKET) == 0

    world.clock.advance(timedelta(minutes=1))

    assert await requeue(world).requeue_due(BUCKET) == 1
    assert (await world.run(running)).receipt is Receipt.ACKNOWLEDGE
    assert (await world.stored(running)).state is JobState.SUCCEEDED


async def test_hint_that_cannot_be_sent_is_tried_again(world: SyncWorld) -> None:
    """A sweep that cannot reach the queue leaves the job due after its grace."""
    await world.accept()
    world.clock.advance(HINT_GRACE)
    world.queue.sent.clear()
    world.queue.error = StoreUnavailableError("down")
    with pytest.raises(StoreUnavailableError):
        await requeue(world).requeue_due(BUCKET)

    world.queue.error = None
    world.clock.advance(HINT_GRACE)

    assert await requeue(world).requeue_due(BUCKET) == 1
    assert len(world.queue.sent) == 1


async def test_finished_jobs_are_left_alone(world: SyncWorld) -> None:
    """A job that has ended is never found again."""
    await world.sync()
    world.queue.sent.clear()
    world.clock.advance(timedelta(days=1))

    assert await requeue(world).requeue_due(BUCKET) == 0
    assert world.queue.sent == []
