"""A redrive gives every buried job one more life, slowly, once, and leaves a trace of who asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from syncwell.domain.dead_letters import Cause, DeadLetter
from syncwell.domain.errors import InvalidInputError, StoreUnavailableError
from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import ATTEMPTS_MAX, Counts, Job, JobId, JobState
from syncwell.domain.resolution import Decision, ResolutionRequest
from syncwell.domain.sharding import bucket_of
from syncwell.ports.job_queue import JobClass
from syncwell.repositories.audit_log import AuditLog
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.usecases.redrive_dead_letters import REDRIVES_PER_SECOND, RedriveDeadLetters
from syncwell.usecases.requeue_jobs import RequeueJobs
from tests.unit.fakes.sync_world import HOUR_MS, USER, SyncWorld, metadata_of

GAP_MS = 1_000 // REDRIVES_PER_SECOND


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    world.accounts["a"].add(metadata_of("a1", world.clock.now_ms() - 5 * HOUR_MS))
    return world


def redriver(world: SyncWorld) -> RedriveDeadLetters:
    return RedriveDeadLetters(
        letters=DeadLetters(world.store),
        jobs=world.jobs,
        audit_log=AuditLog(world.store),
        clock=world.clock,
        history=world.history,
    )


def broken(_: ResolutionRequest) -> tuple[Decision, ...]:
    raise ZeroDivisionError


async def buried(world: SyncWorld, destination: str = "b") -> Job:
    """Returns a job that a bug has brought into the dead letters."""
    job = await world.accept("a", destination)
    for _ in range(ATTEMPTS_MAX):
        await world.run(job, world.worker(resolve=broken))
        world.clock.advance(timedelta(minutes=6))
    assert (await world.stored(job)).state is JobState.FAILED
    return await world.stored(job)


async def letters_left(world: SyncWorld) -> list[JobId]:
    return [each.job_id for each in (await DeadLetters(world.store).list_page(None, limit=100)).letters]


async def test_redriven_job_succeeds_once_the_bug_is_fixed(world: SyncWorld) -> None:
    """The job runs again as if it were new, on the bulk road, and its records land once."""
    job = await buried(world)

    done = await redriver(world).redrive(None, limit=10, actor="usr_admin")

    assert (done.redriven_count, done.dropped_count, await letters_left(world)) == (1, 0, [])
    waiting = await world.stored(job)
    assert (waiting.state, waiting.attempt, waiting.wait_reason) == (JobState.QUEUED, 0, WaitReason.REDRIVEN)
    world.queue.sent.clear()
    await RequeueJobs(jobs=world.jobs, queue=world.queue, clock=world.clock).requeue_due(bucket_of(USER))
    assert [message.job_class for message, _ in world.queue.sent] == [JobClass.BULK]
    await world.run(job)
    stored = await world.stored(job)
    assert (stored.state, stored.counts, stored.failure_reason) == (JobState.SUCCEEDED, Counts(created=1), None)
    assert len(world.accounts["b"].held) == 1


async def test_redrives_stand_in_one_line(world: SyncWorld) -> None:
    """Jobs of several redrives start one after another at the rate, not at once."""
    jobs = [await buried(world, name) for name in ("b", "c", "b", "c")]
    began_ms = world.clock.now_ms()

    await asyncio.gather(*(redriver(world).redrive(None, limit=2, actor="cli") for _ in range(2)))
    await redriver(world).redrive(None, limit=10, actor="cli")

    starts = sorted([(await world.stored(job)).retry_at_ms or 0 for job in jobs])
    assert all(later - sooner >= GAP_MS for sooner, later in pairwise(starts))
    assert starts[0] >= began_ms
    assert await letters_left(world) == []


async def test_two_redrives_of_one_letter_revive_it_once(world: SyncWorld) -> None:
    """Of two operators who redrive at once, one revives the job."""
    job = await buried(world)

    both = await asyncio.gather(*(redriver(world).redrive(None, limit=5, actor="cli") for _ in range(2)))

    assert sum(done.redriven_count for done in both) == 1
    assert (await world.stored(job)).redrive_count == 1


async def test_redrive_is_audited_before_it_is_done(world: SyncWorld) -> None:
    """Who, when, what and how many stand in the audit log; where it cannot be written, nothing is redriven."""
    job = await buried(world)
    redrive = redriver(world)
    with pytest.raises(StoreUnavailableError):
        await failing_audit(world).redrive(None, limit=5, actor="usr_admin")
    assert (await world.stored(job)).state is JobState.FAILED

    done = await redrive.redrive(JobClass.INTERACTIVE, limit=5, actor="usr_admin")

    entries = await AuditLog(world.store).load_day(world.clock.now_ms(), limit=10)
    entry = next(each for each in entries if each.audit_id == done.audit_id)
    assert (entry.actor, entry.details) == ("usr_admin", {"class": "interactive", "letters": "1"})


class NoAuditLog(AuditLog):
    """An audit log that cannot be written."""

    async def append(self, entry: object) -> None:
        raise StoreUnavailableError("away")


def failing_audit(world: SyncWorld) -> RedriveDeadLetters:
    return RedriveDeadLetters(
        letters=DeadLetters(world.store),
        jobs=world.jobs,
        audit_log=NoAuditLog(world.store),
        clock=world.clock,
        history=world.history,
    )


async def test_class_and_limit_choose_the_oldest(world: SyncWorld) -> None:
    """Only the class that was asked for is moved, oldest first, up to the limit."""
    jobs = [await buried(world) for _ in range(3)]

    assert (await redriver(world).redrive(JobClass.BULK, limit=9, actor="cli")).redriven_count == 0
    assert (await redriver(world).redrive(JobClass.INTERACTIVE, limit=2, actor="cli")).redriven_count == 2

    assert await letters_left(world) == [jobs[2].job_id]


async def test_letter_without_a_job_is_dropped(world: SyncWorld) -> None:
    """A letter whose job row has expired leaves the dead letters and is counted as dropped."""
    letter = DeadLetter(JobId("job_gone"), USER, "bulk", Cause("KeyError", "internal", "write"), 5, 5, 0)
    await world.store.transact([DeadLetters.entry(letter)])

    done = await redriver(world).redrive(None, limit=5, actor="cli")

    assert (done.redriven_count, done.dropped_count, await letters_left(world)) == (0, 1, [])


@pytest.mark.parametrize("limit", [0, 1_001])
async def test_limit_is_bounded(world: SyncWorld, limit: int) -> None:
    """A redrive of nothing or of too many is refused."""
    with pytest.raises(InvalidInputError):
        await redriver(world).redrive(None, limit=limit, actor="cli")
