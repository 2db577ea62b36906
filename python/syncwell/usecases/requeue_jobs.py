"""Finds jobs that nobody runs although they should: lost hints, ended waits, workers that died (design D4)."""

from __future__ import annotations

from collections.abc import Sequence

from syncwell.domain import job_life
from syncwell.domain.errors import FenceLostError
from syncwell.domain.jobs import Job, JobState
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.ports.job_queue import BATCH_MESSAGES_MAX, JobClass, JobMessage, JobQueue
from syncwell.repositories.jobs import Jobs
from syncwell.usecases.accept_job import job_class_of
from syncwell.usecases.sweep_steps import SweepStep

SWEEP_JOBS_MAX = 100


class RequeueJobs:
    """Makes due jobs ready and hints to the workers again. Several sweepers at once do no harm."""

    def __init__(self, *, jobs: Jobs, queue: JobQueue, clock: Clock, crash_points: CrashPoints | None = None) -> None:
        self._jobs = jobs
        self._queue = queue
        self._clock = clock
        self._crash_points = crash_points or NoCrashPoints()

    async def requeue_due(self, bucket: int, *, limit: int = SWEEP_JOBS_MAX) -> int:
        """Requeues the due jobs of one bucket of users; returns how many.

        A job whose hint cannot be sent is due again after its grace.

        Raises:
            StoreUnavailableError: the sweep stopped half-way; the next one goes on.
        """
        due = await self._jobs.list_due(bucket, now_ms=self._clock.now_ms(), limit=limit)
        ready = [job for seen in due if (job := await self._make_ready(seen)) is not None]
        for start in range(0, len(ready), BATCH_MESSAGES_MAX):
            self._crash_points.reach(SweepStep.AFTER_READY)
            await self._queue.send(_messages(ready[start : start + BATCH_MESSAGES_MAX]))
            self._crash_points.reach(SweepStep.AFTER_HINT)
        return len(ready)

    async def _make_ready(self, seen: Job) -> Job | None:
        """Returns the job ready for a claim; None where it has moved on since the index was written."""
        now_ms = self._clock.now_ms()
        job = await self._jobs.load(seen.request.user_id, seen.job_id, now_ms=now_ms)
        if job is None or job.version != seen.version or job.state.is_terminal or job.has_live_lease(now_ms):
            return None
        if job.state is JobState.WAITING_DEVICE and job.retry_at_ms is not None and now_ms < job.retry_at_ms:
            return None
        wanted = job_life.touched(job, now_ms=now_ms)
        try:
            await self._jobs.replace(job, wanted)
        except FenceLostError:
            return None
        return wanted


def _messages(jobs: Sequence[Job]) -> list[JobMessage]:
    return [JobMessage(job.request.user_id, job.job_id, _class_of(job), job.correlation_id) for job in jobs]


def _class_of(job: Job) -> JobClass:
    return job_class_of(job.request.mode, is_redriven=job.redrive_count > 0)
