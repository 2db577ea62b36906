"""The life of a job as pure steps (design D4, D6).

Every step raises the version. A claim and a cancellation raise the fence too, so that whoever owned the job before can
write nothing more; `attempt` rises with failures only, `lost_leases` with workers that died over the job.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from syncwell.domain.job_reasons import FailureReason, WaitReason
from syncwell.domain.jobs import Counts, Job, JobState


def claimed(job: Job, *, owner: str, now_ms: int, lease: timedelta) -> Job:
    """Returns the job as `owner` runs it until the lease ends."""
    return replace(
        job,
        state=JobState.RUNNING,
        owner=owner,
        fence=job.fence + 1,
        lease_until_ms=now_ms + _milliseconds(lease),
        retry_at_ms=None,
        wait_reason=None,
        updated_at_ms=now_ms,
        lost_leases=_lost_leases(job),
        version=job.version + 1,
    )


def extended(job: Job, *, now_ms: int, lease: timedelta, has_progressed: bool = False) -> Job:
    """Returns the running job with its lease counted from now; one that gets on forgets how its workers died."""
    lost = 0 if has_progressed else job.lost_leases
    return replace(job, lease_until_ms=now_ms + _milliseconds(lease), lost_leases=lost, version=job.version + 1)


def deferred(job: Job, *, now_ms: int, retry_at_ms: int, reason: WaitReason) -> Job:
    """Returns the job waiting until `retry_at_ms`; nothing failed."""
    return replace(_released(job, now_ms, retry_at_ms=retry_at_ms, wait_reason=reason), lost_leases=0)


def failed_once(job: Job, *, now_ms: int, retry_at_ms: int, reason: WaitReason) -> Job:
    """Returns the job waiting for its next attempt after a failure."""
    released = _released(job, now_ms, retry_at_ms=retry_at_ms, wait_reason=reason)
    return replace(released, attempt=job.attempt + 1, lost_leases=0)


def handed_back(job: Job, *, now_ms: int) -> Job:
    """Returns the job as a stopping worker leaves it: ready for the next one at once."""
    return replace(_released(job, now_ms, retry_at_ms=None, wait_reason=None), lost_leases=0)


def finished(job: Job, *, now_ms: int, counts: Counts) -> Job:
    """Returns the job done; with failed records it is PARTIALLY_FAILED."""
    state = JobState.PARTIALLY_FAILED if counts.failed else JobState.SUCCEEDED
    progress = replace(job.progress, processed_chunks=job.progress.total_chunks)
    return replace(_ended(job, state, now_ms), counts=counts, progress=progress)


def given_up(job: Job, *, now_ms: int, reason: FailureReason, is_failure_counted: bool = False) -> Job:
    """Returns the job failed for good, with the reason that its owner reads."""
    progress = replace(job.progress, failed_chunks=job.progress.total_chunks - job.progress.processed_chunks)
    attempt = job.attempt + 1 if is_failure_counted else job.attempt
    return replace(_ended(job, JobState.FAILED, now_ms), failure_reason=reason, attempt=attempt, progress=progress)


def cancel_requested(job: Job) -> Job:
    """Returns the running job with its user's wish to stop it; its worker keeps it until it has stopped."""
    return replace(job, is_cancel_requested=True, version=job.version + 1)


def cancelled(job: Job, *, now_ms: int, counts: Counts) -> Job:
    """Returns a job that nobody runs, ended by its user; `counts` tell what earlier attempts did."""
    return replace(_ended(job, JobState.CANCELLED, now_ms), fence=job.fence + 1, counts=counts)


def stopped(job: Job, *, now_ms: int, counts: Counts) -> Job:
    """Returns the job as its own worker ends it on the wish of its user, after having written what `counts` tell."""
    return replace(_ended(job, JobState.CANCELLED, now_ms), counts=counts)


def touched(job: Job, *, now_ms: int) -> Job:
    """Returns the job ready to be claimed, after its hint was lost, its wait ended or its worker died."""
    fence = job.fence + 1 if job.state is JobState.RUNNING else job.fence
    released = _released(job, now_ms, retry_at_ms=None, wait_reason=None)
    return replace(released, fence=fence, lost_leases=_lost_leases(job))


def redriven(job: Job, *, now_ms: int, retry_at_ms: int) -> Job:
    """Returns a failed job as an operator gives it another chance: as if it had never failed."""
    return replace(
        _released(job, now_ms, retry_at_ms=retry_at_ms, wait_reason=WaitReason.REDRIVEN),
        attempt=0,
        lost_leases=0,
        failure_reason=None,
        progress=replace(job.progress, failed_chunks=0),
        redrive_count=job.redrive_count + 1,
    )


def _lost_leases(job: Job) -> int:
    """Returns the count after a worker is taken the job from: one that still runs then has died."""
    return job.lost_leases + 1 if job.state is JobState.RUNNING else job.lost_leases


def _released(job: Job, now_ms: int, *, retry_at_ms: int | None, wait_reason: WaitReason | None) -> Job:
    if job.is_cancel_requested:
        retry_at_ms, wait_reason = None, None  # its end must not wait
    return replace(
        job,
        state=JobState.QUEUED,
        owner="",
        lease_until_ms=0,
        retry_at_ms=retry_at_ms,
        wait_reason=wait_reason,
        updated_at_ms=now_ms,
        version=job.version + 1,
    )


def _ended(job: Job, state: JobState, now_ms: int) -> Job:
    return replace(_released(job, now_ms, retry_at_ms=None, wait_reason=None), state=state)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
