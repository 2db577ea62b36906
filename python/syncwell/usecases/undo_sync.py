"""Removes what a job wrote, record by record, where nobody has touched it since.

The record goes first and the tombstone follows: should the worker die in between, the next one finds the record gone
and writes the tombstone, and a sync that comes between sees a record that was deleted at its destination.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from syncwell.domain.errors import InvalidInputError, NotFoundError, ProviderRefusedError, UnsupportedPairError
from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import Job
from syncwell.domain.links import Link, LinkState
from syncwell.domain.resolution import Action, Decision, Outcome, Reason
from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.ports.roles import ProviderSession, ProviderSessions, Window
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import Ledger, LinkChange
from syncwell.usecases.create_record import HOUR_MS
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.job_writes import JobWrites
from syncwell.usecases.sync_pair import LoadPair, SyncPair
from syncwell.usecases.sync_wait import Wait

SEARCH_HOURS = 24  # the destination may file the record under a shifted start


class UndoSync:
    """Carries out a job of mode `undo`."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        ledger: Ledger,
        writes: JobWrites,
        load_pair: LoadPair,
        sessions: ProviderSessions,
        clock: Clock,
        history: History,
    ) -> None:
        self._jobs = jobs
        self._ledger = ledger
        self._writes = writes
        self._load_pair = load_pair
        self._sessions = sessions
        self._clock = clock
        self._history = history

    async def undo(self, lease: JobLease) -> tuple[Decision, ...] | Wait:
        """Removes the records; returns what became of each, or that the job must wait.

        Raises:
            FenceLostError: the job belongs to another worker now.
            JobCancelledError: the job's user wants it to stop.
            UnsupportedPairError: the destination removes nothing.
            ProviderError: the destination failed in a way that concerns more than one record.
        """
        pair = await self._load_pair.load(lease.job)
        if not pair.destination_can.can_delete:
            raise UnsupportedPairError(f"{pair.destination.provider} removes no records")
        undone = await self._undone(lease.job)
        decisions = []
        for link in await self._writes.links_of(undone):
            if link.outcome is not Outcome.CREATED:
                continue
            answer = await self._remove(lease, pair, link)
            if isinstance(answer, Wait):
                return answer
            decisions.append(answer)
        return (*await self._removed_before(lease.job), *decisions)

    async def _undone(self, job: Job) -> Job:
        if job.request.undo_of is None:
            raise InvalidInputError("a job of mode undo names the job that it undoes")
        undone = await self._jobs.load(job.request.user_id, job.request.undo_of, now_ms=self._clock.now_ms())
        if undone is None:
            raise NotFoundError("the job that shall be undone is gone", job_id=job.request.undo_of)
        return undone

    async def _removed_before(self, job: Job) -> tuple[Decision, ...]:
        """Returns what an earlier attempt of this job removed."""
        links = await self._writes.links_of(job, state=LinkState.TOMBSTONE)
        return tuple(
            _decision(link, link.outcome or Outcome.UPDATED, link.reason or Reason.UNDONE)
            for link in links
            if link.fence < job.fence
        )

    async def _remove(self, lease: JobLease, pair: SyncPair, link: Link) -> Decision | Wait:
        await lease.refresh_for_write()
        session = self._sessions.open(
            pair.destination, priority=pair.request.priority, deadline_ms=lease.call_deadline_ms()
        )
        middle_ms = link.record_hour * HOUR_MS
        window = Window(max(0, middle_ms - SEARCH_HOURS * HOUR_MS), middle_ms + (SEARCH_HOURS + 1) * HOUR_MS)
        found = await pair.writing.find(session, external_id=link.external_id, window=window)
        if found is None:
            shown_ms = link.since_ms + pair.destination_can.visibility_lag // timedelta(milliseconds=1)
            if self._clock.now_ms() < shown_ms:
                return Wait(shown_ms, WaitReason.DESTINATION_VISIBILITY)
            return await self._bury(lease, link, Outcome.SKIPPED, Reason.ALREADY_GONE)
        if (found.record_id, found.version) != (link.destination_id, link.destination_version):
            return _decision(link, Outcome.SKIPPED, Reason.CHANGED_SINCE)
        return await self._delete(lease, pair, session, link)

    async def _delete(self, lease: JobLease, pair: SyncPair, session: ProviderSession, link: Link) -> Decision:
        try:
            await pair.writing.delete(session, link.destination_id)
        except ProviderRefusedError:
            return _decision(link, Outcome.FAILED, Reason.PROVIDER_REFUSED)
        self._history.record(
            Op.OK,
            "record.delete",
            user=lease.job.request.user_id,
            job=lease.job.job_id,
            fence=lease.job.fence,
            record=link.source_id,
            external_id=link.external_id,
            destination_record=link.destination_id,
        )
        return await self._bury(lease, link, Outcome.UPDATED, Reason.UNDONE)

    async def _bury(self, lease: JobLease, link: Link, outcome: Outcome, reason: Reason) -> Decision:
        tombstone = replace(
            link,
            state=LinkState.TOMBSTONE,
            job_id=lease.job.job_id,
            fence=lease.job.fence,
            since_ms=self._clock.now_ms(),
            outcome=outcome,
            reason=reason,
        )
        await self._ledger.save(lease.job, LinkChange(tombstone))
        lease.note_progress()
        return _decision(link, outcome, reason)


def _decision(link: Link, outcome: Outcome, reason: Reason) -> Decision:
    return Decision(link.source_id, Action.NONE, outcome, reason, link.destination_id)
