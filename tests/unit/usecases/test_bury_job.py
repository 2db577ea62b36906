"""Poison ends in the dead letters with its cause, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from syncwell.domain.dead_letters import Cause, DeadLetter
from syncwell.domain.errors import ProviderThrottledError, ProviderUnavailableError
from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import ATTEMPTS_MAX, LOST_LEASES_MAX, Job, JobState
from syncwell.domain.resolution import Decision, ResolutionRequest, resolve
from syncwell.domain.sharding import bucket_of
from syncwell.ports.history import Op
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.usecases.requeue_jobs import RequeueJobs
from syncwell.usecases.run_sync import RunSync
from syncwell.usecases.sync_steps import SyncStep
from tests.unit.fakes.sync_world import HOUR_MS, USER, FakeCrashPoints, Killed, SyncWorld, metadata_of

RETRY_MAX = timedelta(minutes=6)


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    world.accounts["a"].add(metadata_of("a1", world.clock.now_ms() - 5 * HOUR_MS))
    return world


def broken(request: ResolutionRequest) -> tuple[Decision, ...]:
    """Stands for a bug in our own code; its text must not get anywhere."""
    raise ZeroDivisionError("note: my heart rate was 181")


async def letters_of(world: SyncWorld) -> Sequence[DeadLetter]:
    return (await DeadLetters(world.store).list_page(None, limit=100)).letters


async def run_often(world: SyncWorld, job: Job, worker: RunSync, times: int) -> None:
    for _ in range(times):
        await world.run(job, worker)
        world.clock.advance(RETRY_MAX)


async def die(world: SyncWorld, job: Job, point: SyncStep = SyncStep.AFTER_CLAIM) -> None:
    """Lets a worker take the job and die over it."""
    with pytest.raises(BaseException) as killed:  # noqa: PT011 - alone or in a group
        await world.run(job, world.worker("dead", FakeCrashPoints(point)))
    assert isinstance(killed.value, Killed) or killed.group_contains(Killed)
    world.clock.advance(world.limits.lease)


async def test_bug_is_tried_five_times_and_then_buried_with_its_cause(world: SyncWorld) -> None:
    """After five attempts the job is FAILED, and one letter tells class, reason and step, but not the error's text."""
    job = await world.accept()

    await run_often(world, job, world.worker(resolve=broken), ATTEMPTS_MAX - 1)
    assert (await world.stored(job)).state is JobState.QUEUED
    assert await letters_of(world) == ()
    await run_often(world, job, world.worker(resolve=broken), 3)

    stored = await world.stored(job)
    assert (stored.state, stored.attempt, stored.failure_reason) == (
        JobState.FAILED,
        ATTEMPTS_MAX,
        FailureReason.INTERNAL,
    )
    (letter,) = await letters_of(world)
    assert letter.cause == Cause("ZeroDivisionError", "internal", "resolve")
    assert (letter.job_id, letter.user_id, letter.job_class, letter.attempt_count) == (
        job.job_id,
        USER,
        "interactive",
        ATTEMPTS_MAX,
    )
    assert not any(b"heart rate" in item.body for item in world.store.items.values())
    assert [line["reason"] for line in world.history.of("dlq.enter", Op.OK)] == ["internal"]


async def test_job_that_kills_its_workers_is_buried_before_it_takes_the_next(world: SyncWorld) -> None:
    """Five workers die over the job; the sixth buries it untouched, however the job got back to the queue."""
    job = await world.accept()
    requeue = RequeueJobs(jobs=world.jobs, queue=world.queue, clock=world.clock)
    for round_ in range(LOST_LEASES_MAX):
        await die(world, job)
        if round_ % 2:
            await requeue.requeue_due(bucket_of(USER))
            assert (await world.stored(job)).state is JobState.QUEUED

    calls = list(world.accounts["a"].calls)
    await world.run(job)

    stored = await world.stored(job)
    assert (stored.state, stored.failure_reason) == (JobState.FAILED, FailureReason.POISON_PROCESS_KILLER)
    assert stored.attempt == 0
    assert world.accounts["a"].calls == calls
    (letter,) = await letters_of(world)
    assert letter.cause == Cause("", "poison_process_killer", "claim")
    assert letter.lost_lease_count == LOST_LEASES_MAX


@pytest.mark.parametrize(
    "failure",
    [
        ProviderUnavailableError("HTTP 502", provider="a"),
        ProviderThrottledError("later", retry_after=timedelta(seconds=5), provider="a"),
    ],
)
async def test_worker_that_answers_is_not_dead(world: SyncWorld, failure: Exception) -> None:
    """A failure or a wait that the worker lived to tell forgets the deaths before it."""
    job = await world.accept()
    for _ in range(LOST_LEASES_MAX - 1):
        await die(world, job)
    world.accounts["a"].fail["list"] = [failure]

    await world.run(job)
    world.clock.advance(RETRY_MAX)
    await die(world, job)

    assert (await world.stored(job)).lost_leases == 0
    world.clock.advance(world.limits.lease)
    await world.run(job)
    assert (await world.stored(job)).state is JobState.SUCCEEDED


async def test_outage_of_a_provider_is_no_dead_letter(world: SyncWorld) -> None:
    """A job that failed because of its provider ends FAILED with that reason, outside the dead letters."""
    job = await world.accept()
    world.accounts["a"].fail["list"] = [ProviderUnavailableError("HTTP 502", provider="a")] * 10

    await run_often(world, job, world.worker(), ATTEMPTS_MAX)

    assert (await world.stored(job)).failure_reason == FailureReason.PROVIDER_UNAVAILABLE
    assert await letters_of(world) == ()


async def test_poison_leaves_others_alone(world: SyncWorld) -> None:
    """A job beside a poisonous one, of the same worker, ends well."""
    poison = await world.accept()
    healthy = await world.accept("a", "c")

    def broken_for_b(request: ResolutionRequest) -> tuple[Decision, ...]:
        if not any(world.accounts["c"].calls):
            return broken(request)
        return resolve(request)

    worker = world.worker(resolve=broken_for_b)
    await run_often(world, poison, worker, ATTEMPTS_MAX)
    await world.run(healthy, worker)

    assert (await world.stored(poison)).state is JobState.FAILED
    assert (await world.stored(healthy)).state is JobState.SUCCEEDED
