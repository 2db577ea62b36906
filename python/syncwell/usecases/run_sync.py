"""Runs one job: claim, load, read, ask, resolve, write, commit. The story of a sync, from hint to acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from random import Random

import structlog

from syncwell.domain import job_life
from syncwell.domain.dead_letters import DeadLetter
from syncwell.domain.errors import (
    FenceLostError,
    JobCancelledError,
    OutcomeUnknownError,
    StorageFullError,
    StoreUnavailableError,
)
from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import Job, JobId, JobMode, JobState
from syncwell.domain.records import UserId
from syncwell.domain.resolution import Decision
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.item_store import Write
from syncwell.repositories.cursors import Cursors
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.repositories.jobs import Claim, ClaimKind, Jobs
from syncwell.repositories.ledger import Ledger
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.bury_job import dead_letter_of, kills_processes
from syncwell.usecases.cancel_job import StopRun
from syncwell.usecases.commit_sync import CommitSync
from syncwell.usecases.job_events import event_of
from syncwell.usecases.job_lease import JobLease, OnBeat
from syncwell.usecases.known_records import load_known
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.read_records import ReadRecords, SourceReading
from syncwell.usecases.recover_writes import RecoverWrites
from syncwell.usecases.resolve_records import ResolveRecords
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import LoadPair, SyncPair
from syncwell.usecases.sync_source import SyncSource
from syncwell.usecases.sync_steps import Stage, SyncStep
from syncwell.usecases.sync_verdict import Step, step_of, verdict_on
from syncwell.usecases.sync_wait import Wait
from syncwell.usecases.undo_sync import UndoSync
from syncwell.usecases.write_records import Plan, WriteRecords

log = structlog.get_logger()

HAND_BACK_DEADLINE_SECONDS = 5.0


class Receipt(StrEnum):
    """What the message that led to the job deserves."""

    ACKNOWLEDGE = "acknowledge"
    RESEND = "resend"
    GIVE_BACK = "give_back"


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `delay` says how long a message that is sent again or given back stays hidden.

    `was_granted` is False where the job was not ours to run and nothing was done.
    """

    receipt: Receipt
    delay: timedelta = timedelta(0)
    job: Job | None = None
    was_granted: bool = True


@dataclass(frozen=True, slots=True)
class SyncParts:
    """The steps of a sync and what they share."""

    jobs: Jobs
    ledger: Ledger
    cursors: Cursors
    outbox: Outbox
    load_pair: LoadPair
    reader: ReadRecords
    recover: RecoverWrites
    resolve: ResolveRecords
    write: WriteRecords
    commit: CommitSync
    source: SyncSource
    stop: StopRun
    undo: UndoSync
    publish: PublishOutbox
    clock: Clock
    random: Random
    history: History
    crash_points: CrashPoints
    limits: SyncLimits
    owner: str


class RunSync:
    """Runs jobs, each at most once at a time anywhere."""

    def __init__(self, parts: SyncParts) -> None:
        self._parts = parts

    async def run(self, user_id: UserId, job_id: JobId, *, on_beat: OnBeat | None = None) -> RunResult:
        """Runs the job if it is free to run; returns what its message deserves.

        `on_beat` is called after each heartbeat. Cancelling the run hands the job back to the next worker.

        Raises:
            StoreUnavailableError: the store is away; the job is found again when its lease ends.
            OutcomeUnknownError: the store's answers are lost; likewise.
        """
        parts = self._parts
        claim = await parts.jobs.claim(
            user_id, job_id, owner=parts.owner, now_ms=parts.clock.now_ms(), lease=parts.limits.lease
        )
        if claim.kind is not ClaimKind.GRANTED or claim.job is None:
            return replace(self._not_granted(claim), was_granted=False)
        parts.history.record(
            Op.OK,
            "job.claim",
            user=user_id,
            job=job_id,
            fence=claim.job.fence,
            owner=parts.owner,
            attempt=claim.job.attempt,
        )
        parts.crash_points.reach(SyncStep.AFTER_CLAIM)
        lease = JobLease(parts.jobs, claim.job, clock=parts.clock, length=parts.limits.lease, on_beat=on_beat)
        return await self._run_claimed(lease)

    async def _run_claimed(self, lease: JobLease) -> RunResult:
        if kills_processes(lease.job):
            return await self._give_up_on(lease)
        try:
            wait = await lease.hold(self._sync(lease))
            if wait is None:
                return RunResult(Receipt.ACKNOWLEDGE, job=lease.job)
            return await self._settle(lease, step_of(wait, now_ms=self._parts.clock.now_ms()))
        except JobCancelledError:
            return await self._stop(lease)
        except FenceLostError:
            # Its new owner has a message of its own; ours comes back in case that owner dies.
            return RunResult(Receipt.GIVE_BACK, self._parts.limits.lease)
        except asyncio.CancelledError:
            await self._hand_back(lease)
            raise
        except (StoreUnavailableError, StorageFullError, OutcomeUnknownError):
            raise
        except Exception as exc:  # the worker's loop: one job's bug must not end the others
            return await self._fail(lease, exc)

    async def _sync(self, lease: JobLease) -> Wait | None:
        """Does the work; returns None when it is committed, or that the job must wait."""
        parts, request = self._parts, lease.job.request
        await lease.refresh()
        lease.stage = Stage.LOAD
        if request.is_of_source:
            return await parts.source.run(lease, self._bring)
        if request.mode is JobMode.UNDO:
            return await self._undo(lease)
        pair = await parts.load_pair.load(lease.job)
        lease.stage = Stage.READ_SOURCE
        window = parts.reader.window_of(pair, await parts.cursors.load(request))
        reading = await parts.reader.read_source(lease, pair, window)
        parts.crash_points.reach(SyncStep.AFTER_SOURCE_READ)
        brought = await self._bring(lease, pair, reading)
        if isinstance(brought, Wait):
            return brought
        lease.stage = Stage.COMMIT
        await parts.commit.commit(lease, reading, brought)
        return None

    async def _undo(self, lease: JobLease) -> Wait | None:
        """Removes what another job wrote; returns None when that is committed, or that the job must wait."""
        lease.stage = Stage.UNDO
        removed = await self._parts.undo.undo(lease)
        if isinstance(removed, Wait):
            return removed
        lease.stage = Stage.COMMIT
        await self._parts.commit.commit(lease, SourceReading((), (), None), removed)
        return None

    async def _bring(self, lease: JobLease, pair: SyncPair, reading: SourceReading) -> Wait | Sequence[Decision]:
        """Brings a reading to the destination of `pair`; returns its decisions, or that the job must wait."""
        parts, request = self._parts, pair.request
        lease.stage = Stage.RECOVER
        known = await load_known(parts.ledger, pair, reading.records)
        if not request.is_dry_run:
            recovered = await parts.recover.recover(lease, pair, reading.records, known)
            if isinstance(recovered, Wait):
                return recovered
            known = recovered
        lease.stage = Stage.RESOLVE
        decisions = await parts.resolve.decide(lease, pair, reading, known)
        parts.crash_points.reach(SyncStep.AFTER_RESOLVE)
        if not request.is_dry_run:
            lease.stage = Stage.WRITE
            records = {record.record_id: record for record in reading.records}
            written = await parts.write.write_all(Plan(lease, pair, records, known, decisions))
            if isinstance(written, Wait):
                return written
            decisions = written
        return decisions

    async def _fail(self, lease: JobLease, error: Exception) -> RunResult:
        parts = self._parts
        verdict = verdict_on(error, lease.job, now_ms=parts.clock.now_ms(), limits=parts.limits, random=parts.random)
        if verdict.is_bug:
            log.exception("sync_broke", job_id=lease.job.job_id, exc_info=error)
        else:
            log.info("sync_interrupted", job_id=lease.job.job_id, error=type(error).__name__)
        try:
            return await self._settle(lease, verdict.step, error)
        except FenceLostError:
            return RunResult(Receipt.GIVE_BACK, parts.limits.lease)

    async def _give_up_on(self, lease: JobLease) -> RunResult:
        """Buries a job over which one worker after another died, before it takes this one too."""
        log.error("job_kills_its_workers", job_id=lease.job.job_id, lost_leases=lease.job.lost_leases)
        reason, now_ms = FailureReason.POISON_PROCESS_KILLER, self._parts.clock.now_ms()
        try:
            return await self._settle(lease, lambda job: job_life.given_up(job, now_ms=now_ms, reason=reason))
        except FenceLostError:
            return RunResult(Receipt.GIVE_BACK, self._parts.limits.lease)

    async def _stop(self, lease: JobLease) -> RunResult:
        """Ends the job on the wish of its user."""
        try:
            return RunResult(Receipt.ACKNOWLEDGE, job=await self._parts.stop.stop(lease))
        except FenceLostError:
            return RunResult(Receipt.GIVE_BACK, self._parts.limits.lease)

    async def _settle(self, lease: JobLease, step: Step, error: Exception | None = None) -> RunResult:
        """Ends the run without a commit: the job waits or is given up, and its message follows it."""
        parts = self._parts
        now_ms = parts.clock.now_ms()
        letters: list[DeadLetter] = []

        def also(wanted: Job) -> list[Write]:
            letter = dead_letter_of(wanted, error=error, stage=lease.stage)
            letters[:] = [] if letter is None else [letter]
            return [
                parts.outbox.entry(event_of(wanted), now_ms=now_ms),
                *(DeadLetters.entry(each) for each in letters),
            ]

        job = await lease.replace(step, also)
        for letter in letters:
            cause = letter.cause
            parts.history.record(
                Op.OK, "dlq.enter", job=job.job_id, error=cause.error, reason=cause.reason, step=cause.step
            )
        parts.history.record(
            Op.OK,
            "job.commit" if job.state is JobState.FAILED else "job.wait",
            user=job.request.user_id,
            job=job.job_id,
            fence=job.fence,
            state=job.state,
            attempt=job.attempt,
            reason=job.failure_reason or job.wait_reason,
        )
        await parts.publish.publish([event_of(job)])
        if job.request.is_of_source and job.state.is_terminal:
            await parts.source.settle_lost(job)
        if job.retry_at_ms is None:
            return RunResult(Receipt.ACKNOWLEDGE, job=job)
        delay = timedelta(milliseconds=max(0, job.retry_at_ms - now_ms))
        is_short = delay <= parts.limits.resend_within
        # A long wait needs no message: the job's due time brings it back.
        return RunResult(Receipt.RESEND if is_short else Receipt.ACKNOWLEDGE, delay, job)

    async def _hand_back(self, lease: JobLease) -> None:
        """Gives up the lease of a job that was interrupted, so that the next worker need not wait for its end."""
        now_ms = self._parts.clock.now_ms()
        try:
            async with asyncio.timeout(HAND_BACK_DEADLINE_SECONDS):
                await lease.replace(lambda job: job_life.handed_back(job, now_ms=now_ms))
        except (FenceLostError, StoreUnavailableError, OutcomeUnknownError, TimeoutError):
            log.warning("lease_left_to_expire", job_id=lease.job.job_id)

    def _not_granted(self, claim: Claim) -> RunResult:
        """Returns what a message deserves whose job is not ours to run."""
        if claim.kind is ClaimKind.HELD:
            # Never acknowledged while another's lease lives: should that worker die, this message is the next hint.
            left = timedelta(milliseconds=max(0, claim.until_ms - self._parts.clock.now_ms()))
            return RunResult(Receipt.GIVE_BACK, left, claim.job)
        if claim.kind is ClaimKind.EARLY:
            left = timedelta(milliseconds=max(0, claim.until_ms - self._parts.clock.now_ms()))
            is_short = left <= self._parts.limits.resend_within
            return RunResult(Receipt.GIVE_BACK if is_short else Receipt.ACKNOWLEDGE, left, claim.job)
        return RunResult(Receipt.ACKNOWLEDGE, job=claim.job)
