"""Writes one record through the ledger: announced, written, confirmed; whatever crashes, it lands once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Sport
from syncwell.domain.errors import (
    InvalidFileError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    SyncWellError,
)
from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import Job
from syncwell.domain.links import Link, LinkState, external_id_of, payload_hash
from syncwell.domain.records import RecordMetadata
from syncwell.domain.resolution import Decision, Outcome, Reason
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.roles import ProviderSessions, Written
from syncwell.repositories.ledger import Ledger, LinkChange
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.known_records import KnownRecords, lineage_of_copy
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import SyncPair
from syncwell.usecases.sync_steps import SyncStep
from syncwell.usecases.sync_wait import Wait
from syncwell.usecases.write_history import note_write

HOUR_MS = 3_600_000


class CreateRecord:
    """Creates destination records."""

    def __init__(
        self,
        *,
        sessions: ProviderSessions,
        ledger: Ledger,
        clock: Clock,
        history: History,
        crash_points: CrashPoints,
        limits: SyncLimits,
    ) -> None:
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._history = history
        self._crash_points = crash_points
        self._limits = limits

    async def create(
        self,
        lease: JobLease,
        pair: SyncPair,
        record: RecordMetadata,
        decision: Decision,
        *,
        known: KnownRecords,
        workout: CanonicalWorkout,
    ) -> Decision | Wait:
        """Writes `workout` to the destination; returns the decision as it turned out.

        A refusal of this record alone is an outcome. Another job that writes the same record is a wait.

        Raises:
            FenceLostError: the job belongs to another worker now.
            JobCancelledError: the job's user wants it to stop; nothing was written.
            ProviderError: the destination failed; the link stays announced and is asked about next time.
        """
        if not _is_writable(workout):
            return _failed(decision, Reason.INVALID_RECORD)
        await lease.refresh_for_write()
        deadline_ms = lease.call_deadline_ms()
        announced = await self._announce(lease, pair, record, decision, known=known, workout=workout)
        if announced is None:
            until_ms = self._clock.now_ms() + self._limits.lease // timedelta(milliseconds=1)
            return Wait(until_ms, WaitReason.RECORD_IN_PROGRESS)
        self._crash_points.reach(SyncStep.AFTER_PENDING)
        note_write(self._history, Op.INVOKE, lease.job, announced)
        session = self._sessions.open(pair.destination, priority=pair.request.priority, deadline_ms=deadline_ms)
        try:
            written = await pair.writing.write(session, workout, external_id=announced.external_id)
        except SyncWellError as exc:
            return await self._refused(lease.job, decision, announced, exc)
        self._crash_points.reach(SyncStep.AFTER_UPLOAD)
        outcome = await self._confirm(lease, pair, decision, announced, known=known, written=written)
        self._crash_points.reach(SyncStep.AFTER_WRITTEN)
        return outcome

    async def _announce(
        self,
        lease: JobLease,
        pair: SyncPair,
        record: RecordMetadata,
        decision: Decision,
        *,
        known: KnownRecords,
        workout: CanonicalWorkout,
    ) -> Link | None:
        seen = known.links.get(record.record_id)
        link = Link(
            source_account=pair.source_account,
            source_id=record.record_id,
            destination_account=pair.destination_account,
            state=LinkState.PENDING,
            job_id=lease.job.job_id,
            fence=lease.job.fence,
            external_id=external_id_of(
                pair.request.user_id, pair.source_account, record.record_id, pair.destination_account
            ),
            since_ms=self._clock.now_ms(),
            call_until_ms=lease.call_deadline_ms(),
            payload_hash=payload_hash(workout.SerializeToString(deterministic=True)),
            record_hour=record.start_ms // HOUR_MS,
            source_version=record.version,
            base=decision.field_fingerprints,
            version=0 if seen is None else seen.version,
            apart_from=() if seen is None else seen.apart_from,
        )
        return await self._ledger.save(lease.job, LinkChange(link))

    async def _refused(self, job: Job, decision: Decision, announced: Link, error: SyncWellError) -> Decision:
        """Returns the outcome of a refusal that concerns this record alone; raises any other error again."""
        if isinstance(error, ProviderRefusedError | InvalidFileError):
            note_write(self._history, Op.FAIL, job, announced)
            await self._ledger.withdraw(job, announced)
            is_refusal = isinstance(error, ProviderRefusedError)
            return _failed(decision, Reason.PROVIDER_REFUSED if is_refusal else Reason.INVALID_RECORD)
        note_write(self._history, Op.INFO, job, announced)
        if isinstance(error, ProviderInvalidAnswerError):
            return _failed(decision, Reason.PROVIDER_INVALID)  # it stays announced: it may have been written
        raise error

    async def _confirm(
        self,
        lease: JobLease,
        pair: SyncPair,
        decision: Decision,
        announced: Link,
        *,
        known: KnownRecords,
        written: Written,
    ) -> Decision | Wait:
        # A destination that calls it a duplicate of a write of our own under the same id has our record.
        seen = known.links.get(decision.source_id)
        was_theirs = written.was_duplicate and (seen is None or not seen.is_pending)
        outcome = Outcome.MERGED if was_theirs else Outcome.CREATED
        reason = Reason.PROVIDER_REPORTED_DUPLICATE if was_theirs else decision.reason
        confirmed = replace(
            announced,
            state=LinkState.WRITTEN,
            destination_id=written.record_id,
            destination_version=written.version,
            outcome=outcome,
            reason=reason,
        )
        lineage = lineage_of_copy(pair, known, decision.source_id, was_written=not was_theirs)
        if was_theirs:
            user_id, account = pair.request.user_id, pair.destination_account
            there = await self._ledger.load_lineages(user_id, account, [written.record_id])
            lineage = lineage.joined(there.get(written.record_id))
        note_write(
            self._history,
            Op.OK,
            lease.job,
            confirmed,
            destination_record=written.record_id,
            was_duplicate=written.was_duplicate,
        )
        if await self._ledger.save(lease.job, LinkChange(confirmed, lineage)) is None:
            return Wait(self._clock.now_ms(), WaitReason.RECORD_IN_PROGRESS)
        lease.note_progress()
        return replace(decision, outcome=outcome, reason=reason, destination_id=written.record_id)


def _failed(decision: Decision, reason: Reason) -> Decision:
    return replace(decision, outcome=Outcome.FAILED, reason=reason)


def _is_writable(workout: CanonicalWorkout) -> bool:
    return workout.elapsed_ms > 0 and workout.HasField("start_time") and workout.sport != Sport.SPORT_UNSPECIFIED
