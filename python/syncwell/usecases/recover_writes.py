"""Asks the destination about writes that were announced and never confirmed, before anything is written again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import Job
from syncwell.domain.links import Link, LinkState
from syncwell.domain.records import RecordId, RecordMetadata
from syncwell.domain.resolution import Outcome, Reason
from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.ports.roles import ProviderSessions, Window, Written
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import Ledger, LinkChange
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.known_records import KnownRecords, lineage_of_copy
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import SyncPair
from syncwell.usecases.sync_wait import Wait
from syncwell.usecases.write_history import note_write

SEARCH_SLACK_MS = 24 * 3_600_000  # the destination may file the record under a shifted start


class RecoverWrites:
    """Settles PENDING links: found at the destination, certainly not there, or too early to tell."""

    def __init__(
        self,
        *,
        sessions: ProviderSessions,
        ledger: Ledger,
        jobs: Jobs,
        clock: Clock,
        history: History,
        limits: SyncLimits,
    ) -> None:
        self._sessions = sessions
        self._ledger = ledger
        self._jobs = jobs
        self._clock = clock
        self._history = history
        self._limits = limits

    async def recover(
        self, lease: JobLease, pair: SyncPair, records: Sequence[RecordMetadata], known: KnownRecords
    ) -> KnownRecords | Wait:
        """Returns what is known after asking; links that stay PENDING may be written anew.

        Raises:
            FenceLostError: the job belongs to another worker now.
            ProviderError: the destination did not answer.
        """
        pending = {
            record.record_id: record
            for record in records
            if record.record_id in known.links and known.links[record.record_id].is_pending
        }
        found: dict[RecordId, Link] = {}
        for record_id, record in pending.items():
            answer = await self._settle(lease, pair, record, known, known.links[record_id])
            if isinstance(answer, Wait):
                return answer
            found[record_id] = answer
        return known.with_links(found)

    async def _settle(
        self, lease: JobLease, pair: SyncPair, record: RecordMetadata, known: KnownRecords, link: Link
    ) -> Link | Wait:
        owner_until_ms = await self._owner_until_ms(lease.job, link)
        if owner_until_ms is not None:
            return Wait(owner_until_ms, WaitReason.RECORD_IN_PROGRESS)
        written = await self._find(lease, pair, record, link)
        # The last call of the lost write ended by then, and what it wrote shows after the lag.
        visible_ms = max(link.since_ms, link.call_until_ms) + pair.destination_can.visibility_lag // _MILLISECOND
        if written is None and (left_ms := visible_ms - self._clock.now_ms()) > 0:
            if left_ms > self._limits.wait_in_place // _MILLISECOND:
                return Wait(visible_ms, WaitReason.DESTINATION_VISIBILITY)
            await self._clock.sleep(timedelta(milliseconds=left_ms))
            written = await self._find(lease, pair, record, link)
        if written is None:
            return link
        return await self._confirm(lease, pair, record, known, link, written=written)

    async def _owner_until_ms(self, job: Job, link: Link) -> int | None:
        """Returns until when another job may still be writing this record; None when nobody is."""
        if link.job_id == job.job_id:
            return None
        now_ms = self._clock.now_ms()
        owner = await self._jobs.load(job.request.user_id, link.job_id, now_ms=now_ms)
        return owner.lease_until_ms if owner is not None and owner.has_live_lease(now_ms) else None

    async def _find(self, lease: JobLease, pair: SyncPair, record: RecordMetadata, link: Link) -> Written | None:
        await lease.refresh()
        session = self._sessions.open(
            pair.destination, priority=pair.request.priority, deadline_ms=lease.call_deadline_ms()
        )
        window = Window(max(0, record.start_ms - SEARCH_SLACK_MS), record.start_ms + SEARCH_SLACK_MS)
        return await pair.writing.find(session, external_id=link.external_id, window=window)

    async def _confirm(
        self,
        lease: JobLease,
        pair: SyncPair,
        record: RecordMetadata,
        known: KnownRecords,
        link: Link,
        *,
        written: Written,
    ) -> Link | Wait:
        confirmed = replace(
            link,
            state=LinkState.WRITTEN,
            job_id=lease.job.job_id,
            fence=lease.job.fence,
            destination_id=written.record_id,
            destination_version=written.version,
            outcome=Outcome.CREATED,
            reason=Reason.RECOVERED_WRITE,
        )
        lineage = lineage_of_copy(pair, known, record.record_id, was_written=True)
        stored = await self._ledger.save(lease.job, LinkChange(confirmed, lineage))
        if stored is None:
            return Wait(self._clock.now_ms() + self._limits.lease // _MILLISECOND, WaitReason.RECORD_IN_PROGRESS)
        note_write(
            self._history,
            Op.OK,
            lease.job,
            stored,
            destination_record=written.record_id,
            recovered=True,
        )
        return stored


_MILLISECOND = timedelta(milliseconds=1)
