"""Stops a job on its user's wish: a waiting one at once, a running one before its next write."""

from __future__ import annotations

from syncwell.domain import job_life
from syncwell.domain.errors import ConflictError, FenceLostError, NotFoundError
from syncwell.domain.jobs import Job, JobId, JobState
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.outbox import PUBLISH_GRACE, Outbox
from syncwell.usecases.commit_sync import count
from syncwell.usecases.job_events import event_of
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.job_writes import JobWrites
from syncwell.usecases.publish_outbox import PublishOutbox


class CancelJob:
    """Takes the wish. Asking twice is as good as once."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        writes: JobWrites,
        decisions: Decisions,
        outbox: Outbox,
        clock: Clock,
        history: History,
    ) -> None:
        self._jobs = jobs
        self._writes = writes
        self._decisions = decisions
        self._outbox = outbox
        self._clock = clock
        self._history = history

    async def cancel(self, user_id: UserId, job_id: JobId) -> Job:
        """Returns the job: CANCELLED, or RUNNING until its worker has seen the wish.

        Raises:
            NotFoundError: there is no such job of this user.
            ConflictError: the job has ended already.
            StoreUnavailableError: nothing was changed.
        """
        while (job := await self._jobs.load(user_id, job_id, now_ms=self._clock.now_ms())) is not None:
            if job.state is JobState.CANCELLED or (job.state is JobState.RUNNING and job.is_cancel_requested):
                return job
            if job.state.is_terminal:
                raise ConflictError(f"the job has ended: {job.state}", state=job.state)
            try:
                return await (self._ask(job) if job.state is JobState.RUNNING else self._stop(job))
            except FenceLostError:
                continue  # a heartbeat or claim came between; each reading is newer, so this ends with the job
        raise NotFoundError("there is no such sync job")

    async def _ask(self, job: Job) -> Job:
        wanted = job_life.cancel_requested(job)
        await self._jobs.replace(job, wanted)
        return wanted

    async def _stop(self, job: Job) -> Job:
        """Ends a waiting job; what an earlier attempt of it wrote is counted."""
        now_ms = self._clock.now_ms()
        decisions = await self._writes.decisions_of(job) if job.fence else ()
        wanted = job_life.cancelled(job, now_ms=now_ms, counts=count(decisions))
        await self._decisions.save(wanted, decisions, now_ms=now_ms)
        # Due at once: this process publishes nothing itself.
        entry = self._outbox.entry(event_of(wanted), now_ms=now_ms - int(PUBLISH_GRACE.total_seconds() * 1000))
        await self._jobs.replace(job, wanted, [entry])
        _note(self._history, wanted)
        return wanted


class StopRun:
    """Ends a run whose job is not wanted any more, on behalf of the worker that has it."""

    def __init__(
        self,
        *,
        writes: JobWrites,
        decisions: Decisions,
        outbox: Outbox,
        publish: PublishOutbox,
        clock: Clock,
        history: History,
    ) -> None:
        self._writes = writes
        self._decisions = decisions
        self._outbox = outbox
        self._publish = publish
        self._clock = clock
        self._history = history

    async def stop(self, lease: JobLease) -> Job:
        """Returns the job CANCELLED, with counts of what all its attempts wrote.

        Raises:
            FenceLostError: the job belongs to another worker now.
            StoreUnavailableError: it is stopped by a later attempt.
        """
        now_ms = self._clock.now_ms()
        decisions = await self._writes.decisions_of(lease.job)
        await self._decisions.save(lease.job, decisions, now_ms=now_ms)
        job = await lease.replace(
            lambda seen: job_life.stopped(seen, now_ms=now_ms, counts=count(decisions)),
            lambda wanted: [self._outbox.entry(event_of(wanted), now_ms=now_ms)],
        )
        _note(self._history, job)
        await self._publish.publish([event_of(job)])
        return job


def _note(history: History, job: Job) -> None:
    history.record(
        Op.OK,
        "job.commit",
        user=job.request.user_id,
        job=job.job_id,
        fence=job.fence,
        state=job.state,
        attempt=job.attempt,
    )
