"""Job rows: one winner of every race, and always findable until they are finished."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from syncwell.domain import job_life
from syncwell.domain.errors import (
    FenceLostError,
    IdempotencyKeyReusedError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import Counts, Job, JobId, JobMode, JobRequest, JobState
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.repositories.jobs import HINT_GRACE, JOB_LIFE, ClaimKind, Jobs
from tests.unit.fakes.item_store import DictItemStore

USER = UserId("usr_1")
NOW_MS = 1_760_000_000_000
LEASE = timedelta(seconds=30)
LEASE_MS = 30_000
BUCKET = 7


def job_of(job_id: str = "job_1", *, created_at_ms: int = NOW_MS, fingerprint: str = "f") -> Job:
    request = JobRequest(USER, ConnectionId("a"), ConnectionId("b"), DataType.WORKOUT, JobMode.MANUAL)
    return Job(JobId(job_id), request, fingerprint, JobState.QUEUED, created_at_ms, created_at_ms)


@pytest.fixture
def store() -> DictItemStore:
    return DictItemStore()


@pytest.fixture
def jobs(store: DictItemStore) -> Jobs:
    return Jobs(store, bucket_of=lambda _: BUCKET)


async def granted(jobs: Jobs, *, now_ms: int = NOW_MS, owner: str = "w1") -> Job:
    claim = await jobs.claim(USER, JobId("job_1"), owner=owner, now_ms=now_ms, lease=LEASE)
    assert claim.kind is ClaimKind.GRANTED
    assert claim.job is not None
    return claim.job


async def test_row_survives_the_round_trip(jobs: Jobs) -> None:
    """What was written is what is read."""
    job = job_of()

    assert await jobs.insert(job, now_ms=NOW_MS) == (job, False)
    assert await jobs.load(USER, job.job_id, now_ms=NOW_MS) == job


async def test_repetition_finds_the_first_job(jobs: Jobs) -> None:
    """The same request under the same id is answered with the job that is there."""
    first = job_of()
    await jobs.insert(first, now_ms=NOW_MS)

    assert await jobs.insert(job_of(created_at_ms=NOW_MS + 5), now_ms=NOW_MS + 5) == (first, True)


async def test_key_with_another_request_is_refused(jobs: Jobs) -> None:
    """Another request under the same id changes nothing and is refused."""
    first = job_of()
    await jobs.insert(first, now_ms=NOW_MS)

    with pytest.raises(IdempotencyKeyReusedError):
        await jobs.insert(job_of(fingerprint="other"), now_ms=NOW_MS)
    assert await jobs.load(USER, first.job_id, now_ms=NOW_MS) == first


async def test_equal_inserts_at_once_make_one_job(jobs: Jobs) -> None:
    """Of many equal requests exactly one is new."""
    answers = await asyncio.gather(
        *(jobs.insert(job_of(created_at_ms=NOW_MS + n), now_ms=NOW_MS + n) for n in range(5))
    )

    assert sum(not is_replay for _, is_replay in answers) == 1
    assert len({job.created_at_ms for job, _ in answers}) == 1


async def test_lost_answer_of_an_insert_is_read_back(jobs: Jobs, store: DictItemStore) -> None:
    """An insert that was done but not answered counts as done, and as new."""
    store.fail_next(OutcomeUnknownError("lost"))

    assert await jobs.insert(job_of(), now_ms=NOW_MS) == (job_of(), False)


async def test_unavailable_store_accepts_nothing(jobs: Jobs, store: DictItemStore) -> None:
    """When the store is away no row is left behind."""
    store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await jobs.insert(job_of(), now_ms=NOW_MS)
    assert store.items == {}


async def test_claim_takes_lease_and_fence(jobs: Jobs) -> None:
    """A claim raises the fence, leaves the attempt alone and names its owner."""
    await jobs.insert(job_of(), now_ms=NOW_MS)

    job = await granted(jobs)

    assert (job.state, job.fence, job.attempt, job.owner) == (JobState.RUNNING, 1, 0, "w1")
    assert job.lease_until_ms == NOW_MS + LEASE_MS


async def test_live_lease_is_respected_and_a_dead_one_taken_over(jobs: Jobs) -> None:
    """Another worker waits for the lease to end and then owns the job under a higher fence."""
    await jobs.insert(job_of(), now_ms=NOW_MS)
    first = await granted(jobs)

    held = await jobs.claim(USER, first.job_id, owner="w2", now_ms=NOW_MS + LEASE_MS - 1, lease=LEASE)
    second = await granted(jobs, now_ms=NOW_MS + LEASE_MS, owner="w2")

    assert (held.kind, held.until_ms) == (ClaimKind.HELD, NOW_MS + LEASE_MS)
    assert (second.fence, second.owner) == (2, "w2")
    with pytest.raises(FenceLostError):
        await jobs.replace(first, job_life.finished(first, now_ms=NOW_MS, counts=Counts()))


async def test_claims_at_once_have_one_winner(jobs: Jobs) -> None:
    """Of many workers that claim at the same moment one owns the job."""
    await jobs.insert(job_of(), now_ms=NOW_MS)

    claims = await asyncio.gather(
        *(jobs.claim(USER, JobId("job_1"), owner=f"w{n}", now_ms=NOW_MS, lease=LEASE) for n in range(6))
    )

    assert [claim.kind for claim in claims].count(ClaimKind.GRANTED) == 1
    assert [claim.kind for claim in claims].count(ClaimKind.HELD) == 5


async def test_waiting_job_is_not_claimed_early(jobs: Jobs) -> None:
    """A deferred job is claimed from its retry time on, its attempt unchanged."""
    await jobs.insert(job_of(), now_ms=NOW_MS)
    job = await granted(jobs)
    await jobs.replace(
        job, job_life.deferred(job, now_ms=NOW_MS, retry_at_ms=NOW_MS + 60_000, reason=WaitReason.PROVIDER_THROTTLED)
    )

    early = await jobs.claim(USER, job.job_id, owner="w", now_ms=NOW_MS + 59_999, lease=LEASE)
    later = await granted(jobs, now_ms=NOW_MS + 60_000)

    assert (early.kind, early.until_ms) == (ClaimKind.EARLY, NOW_MS + 60_000)
    assert (later.attempt, later.wait_reason) == (0, None)


async def test_finished_and_missing_jobs_are_not_claimed(jobs: Jobs) -> None:
    """A redelivered message of a finished job, or of none, is told so."""
    await jobs.insert(job_of(), now_ms=NOW_MS)
    job = await granted(jobs)
    await jobs.replace(job, job_life.finished(job, now_ms=NOW_MS, counts=Counts(created=1)))

    again = await jobs.claim(USER, job.job_id, owner="w", now_ms=NOW_MS, lease=LEASE)
    none = await jobs.claim(UserId("usr_2"), job.job_id, owner="w", now_ms=NOW_MS, lease=LEASE)

    assert again.kind is ClaimKind.FINISHED
    assert none.kind is ClaimKind.MISSING


async def test_lost_answer_of_a_claim_is_read_back(jobs: Jobs, store: DictItemStore) -> None:
    """A claim that was done but not answered is granted all the same."""
    await jobs.insert(job_of(), now_ms=NOW_MS)
    store.fail_next(OutcomeUnknownError("lost"))

    assert (await granted(jobs)).fence == 1


async def test_due_index_finds_what_nobody_runs(jobs: Jobs) -> None:
    """A queued job is due after its grace, a running one when its lease ends, a finished one never."""
    grace_ms = HINT_GRACE // timedelta(milliseconds=1)
    await jobs.insert(job_of(), now_ms=NOW_MS)

    assert await jobs.list_due(BUCKET, now_ms=NOW_MS + grace_ms - 1, limit=10) == ()
    assert len(await jobs.list_due(BUCKET, now_ms=NOW_MS + grace_ms, limit=10)) == 1
    job = await granted(jobs)
    assert await jobs.list_due(BUCKET, now_ms=NOW_MS + LEASE_MS - 1, limit=10) == ()
    assert await jobs.list_due(BUCKET, now_ms=NOW_MS + LEASE_MS, limit=10) == (job,)
    await jobs.replace(job, job_life.finished(job, now_ms=NOW_MS, counts=Counts()))
    assert await jobs.list_due(BUCKET, now_ms=NOW_MS + 10**9, limit=10) == ()


async def test_list_is_newest_first_in_pages(jobs: Jobs) -> None:
    """Pages follow each other from the newest job to the oldest, one user's only."""
    for n in range(5):
        await jobs.insert(job_of(f"job_{n}", created_at_ms=NOW_MS + n), now_ms=NOW_MS)

    first = await jobs.list_newest(USER, now_ms=NOW_MS, limit=3)
    second = await jobs.list_newest(USER, now_ms=NOW_MS, limit=3, cursor=first.cursor)

    assert [job.job_id for job in first.jobs + second.jobs] == ["job_4", "job_3", "job_2", "job_1", "job_0"]
    assert second.cursor is None
    assert (await jobs.list_newest(UserId("usr_2"), now_ms=NOW_MS, limit=3)).jobs == ()


async def test_finished_job_expires(jobs: Jobs) -> None:
    """Ninety days after its end a job is gone, whether or not the store has swept it, and its key is free."""
    await jobs.insert(job_of(), now_ms=NOW_MS)
    job = await granted(jobs)
    await jobs.replace(job, job_life.finished(job, now_ms=NOW_MS, counts=Counts(failed=1)))
    gone_ms = NOW_MS + JOB_LIFE // timedelta(milliseconds=1)

    assert (await jobs.load(USER, job.job_id, now_ms=gone_ms - 1)) is not None
    assert await jobs.load(USER, job.job_id, now_ms=gone_ms) is None
    fresh = replace(job_of(), created_at_ms=gone_ms + 1, updated_at_ms=gone_ms + 1)
    assert await jobs.insert(fresh, now_ms=gone_ms + 1) == (fresh, False)
