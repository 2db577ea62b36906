"""The hold of one worker on one job: kept alive by heartbeats, lost for good when another claims the job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import TypeVar

from syncwell.domain import job_life
from syncwell.domain.errors import FenceLostError, JobCancelledError, UnavailableError
from syncwell.domain.jobs import Job, JobState
from syncwell.ports.clock import Clock
from syncwell.ports.item_store import Write
from syncwell.repositories.jobs import Jobs
from syncwell.usecases.sync_steps import Stage

BEATS_PER_LEASE = 3
MARGIN_SHARE = 0.1  # of the lease: what a call's deadline leaves for the answer to be written down
FRESH_SHARE = 0.9  # of the lease: with less left, a long call begins with a heartbeat

ResultT = TypeVar("ResultT")
OnBeat = Callable[[], Awaitable[None]]


class JobLease:
    """Owns the newest version of a claimed job's row; everything that changes the row goes through here."""

    def __init__(self, jobs: Jobs, job: Job, *, clock: Clock, length: timedelta, on_beat: OnBeat | None = None) -> None:
        self._jobs = jobs
        self._job = job
        self._clock = clock
        self._length = length
        self._on_beat = on_beat
        self._lock = asyncio.Lock()
        self._has_progressed = False
        self.stage = Stage.CLAIM

    @property
    def job(self) -> Job:
        """The job as this worker last wrote it."""
        return self._job

    def call_deadline_ms(self) -> int:
        """Returns when every call made now must have ended, a margin before the lease does."""
        return self._job.lease_until_ms - int(self._length / timedelta(milliseconds=1) * MARGIN_SHARE)

    def note_progress(self) -> None:
        """Notes that something was done which no later attempt repeats: such a job does not kill its workers."""
        self._has_progressed = True

    async def refresh(self) -> None:
        """Extends the lease if a noticeable part of it is gone; call it before anything long.

        Raises:
            FenceLostError: the job belongs to another worker now, or the lease has ended.
            JobCancelledError: the job's user wants it to stop.
        """
        left_ms = self._job.lease_until_ms - self._clock.now_ms()
        if left_ms < self._length / timedelta(milliseconds=1) * FRESH_SHARE:
            await self._extend()
        self._require_wanted()

    async def refresh_for_write(self) -> None:
        """Does what `refresh` does, and looks whether the job is still wanted; call it before each external write.

        Raises:
            FenceLostError: the job belongs to another worker now, or the lease has ended.
            JobCancelledError: the job's user wants it to stop.
            StoreUnavailableError: nobody can tell.
        """
        async with self._lock:
            if not await self._adopt():
                raise FenceLostError("the job belongs to another worker", job_id=self._job.job_id)
        await self.refresh()

    def _require_wanted(self) -> None:
        if self._job.is_cancel_requested:
            raise JobCancelledError("the job's user wants it to stop", job_id=self._job.job_id)

    async def _adopt(self) -> bool:
        """Takes over the row as it stands, where its user has changed it; False where it is not ours any more."""
        seen = await self._jobs.load(self._job.request.user_id, self._job.job_id, now_ms=self._clock.now_ms())
        if seen is None or seen.state is not JobState.RUNNING or seen.fence != self._job.fence:
            return False
        self._job = seen
        return True

    async def _write(self, step: Callable[[Job], Job], also: Callable[[Job], Sequence[Write]] | None = None) -> Job:
        """Writes the next state over ours, or over what the job's user has made of ours meanwhile."""
        wanted = step(self._job)
        try:
            await self._jobs.replace(self._job, wanted, () if also is None else also(wanted))
        except FenceLostError:
            if not await self._adopt():
                raise
            wanted = step(self._job)
            await self._jobs.replace(self._job, wanted, () if also is None else also(wanted))
        self._job = wanted
        return wanted

    async def replace(self, step: Callable[[Job], Job], also: Callable[[Job], Sequence[Write]] | None = None) -> Job:
        """Writes the next state of the job together with what `also` makes of it; returns the job.

        Raises:
            FenceLostError: the job belongs to another worker now; nothing was written.
            ConditionFailedError: a write of `also` was refused; nothing was written.
        """
        async with self._lock:
            return await self._write(step, also)

    async def hold(self, work: Coroutine[object, object, ResultT]) -> ResultT:
        """Runs `work` with heartbeats beside it; cancels it as soon as the lease is lost.

        Raises:
            FenceLostError: the lease was lost; `work` has ended.
        """
        body = asyncio.ensure_future(work)
        heart = asyncio.ensure_future(self._beat())
        try:
            await asyncio.wait({body, heart}, return_when=asyncio.FIRST_COMPLETED)
            if body.done():
                return body.result()
            raise FenceLostError("the lease of the job was lost", job_id=self._job.job_id) from heart.exception()
        finally:
            heart.cancel()
            body.cancel()
            await asyncio.gather(body, heart, return_exceptions=True)

    async def _beat(self) -> None:
        """Extends until it cannot; a store that is away for a moment is asked again while the lease lives."""
        while True:
            await self._clock.sleep(self._length / BEATS_PER_LEASE)
            try:
                await self._extend()
            except UnavailableError:
                if self._clock.now_ms() >= self._job.lease_until_ms:
                    raise
                continue
            if self._on_beat is not None:
                await self._on_beat()

    async def _extend(self) -> None:
        async with self._lock:
            now_ms = self._clock.now_ms()
            if now_ms >= self._job.lease_until_ms:
                raise FenceLostError("the lease of the job has ended", job_id=self._job.job_id)
            if self._job.state.is_terminal:
                return
            await self._write(
                lambda job: job_life.extended(
                    job, now_ms=now_ms, lease=self._length, has_progressed=self._has_progressed
                )
            )
