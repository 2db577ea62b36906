"""Makes the dead letter of a job that was given up because of a bug, or because it kills the processes that run it."""

from __future__ import annotations

from syncwell.domain.dead_letters import Cause, DeadLetter
from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import LOST_LEASES_MAX, Job, JobState
from syncwell.usecases.accept_job import job_class_of
from syncwell.usecases.sync_steps import Stage

_MENDABLE = frozenset({FailureReason.INTERNAL, FailureReason.POISON_PROCESS_KILLER})


def kills_processes(job: Job) -> bool:
    """True where so many workers died over the job, one after another, that no further one may touch it."""
    return job.lost_leases >= LOST_LEASES_MAX


def dead_letter_of(job: Job, *, error: Exception | None, stage: Stage) -> DeadLetter | None:
    """Returns the letter of a job that was just given up; None where giving it up was no surprise.

    `error` is the last failure, None where the process died and could tell nothing; `stage` says how far the run was.
    """
    if job.state is not JobState.FAILED or job.failure_reason not in _MENDABLE:
        return None
    return DeadLetter(
        job_id=job.job_id,
        user_id=job.request.user_id,
        job_class=job_class_of(job.request.mode),
        cause=Cause("" if error is None else type(error).__name__, job.failure_reason or "", stage),
        at_ms=job.updated_at_ms,
        attempt_count=job.attempt,
        lost_lease_count=job.lost_leases,
        redrive_count=job.redrive_count,
        correlation_id=job.correlation_id,
    )
