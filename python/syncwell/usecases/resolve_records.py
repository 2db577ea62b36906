"""Decides what happens to every record of a window; the deciding itself is the Rust core's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from syncwell.domain.jobs import JobId
from syncwell.domain.links import Link
from syncwell.domain.records import RecordMetadata
from syncwell.domain.resolution import Action, Decision, Outcome, Reason, ResolutionRequest
from syncwell.ports.clock import Clock
from syncwell.repositories.ledger import Ledger
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.known_records import KnownRecords, known_links
from syncwell.usecases.read_records import ReadRecords, SourceReading
from syncwell.usecases.sync_pair import SyncPair

IN_LOOP_RECORDS_MAX = 200  # so few are resolved in less time than a thread takes to wake up

Resolve = Callable[[ResolutionRequest], tuple[Decision, ...]]


class ResolveRecords:
    """Turns a reading into one decision a record."""

    def __init__(self, *, reader: ReadRecords, ledger: Ledger, clock: Clock, resolve: Resolve) -> None:
        self._reader = reader
        self._ledger = ledger
        self._clock = clock
        self._resolve = resolve

    async def decide(
        self, lease: JobLease, pair: SyncPair, reading: SourceReading, known: KnownRecords
    ) -> tuple[Decision, ...]:
        """Returns one decision for each record of `reading`, usable or not.

        The destination is not read when nothing there could matter.

        Raises:
            ProviderError: the destination's listing failed.
            LimitExceededError: the destination has more records than one job may hold.
        """
        broken = tuple(_refuse(record) for record in reading.invalid)
        if all(known.is_settled(record) for record in reading.records):
            settled = tuple(_settle(record, known) for record in reading.records)
            return broken + _recall_all(lease.job.job_id, settled, known)
        destinations = await self._reader.read_destination(lease, pair, reading.records)
        links = await known_links(self._ledger, pair, known, reading.records, destinations)
        request = ResolutionRequest(
            sources=reading.records,
            destinations=destinations,
            strategy=pair.strategy,
            fingerprint_key=pair.fingerprint_key,
            links=links,
            echoes=known.echoes,
            tombstones=known.tombstones,
            updatable=pair.destination_can.updatable,
            destinations_complete=self._is_complete(pair, known),
        )
        decisions = await self._run_apart(request, known)
        return broken + _recall_all(lease.job.job_id, decisions, known)

    def _is_complete(self, pair: SyncPair, known: KnownRecords) -> bool:
        """True when a linked record that the listing lacks was deleted, rather than written a moment ago."""
        shown_ms = self._clock.now_ms() - pair.destination_can.visibility_lag // timedelta(milliseconds=1)
        return pair.listing is not None and all(link.since_ms < shown_ms for link in known.links.values())

    async def _run_apart(self, request: ResolutionRequest, known: KnownRecords) -> tuple[Decision, ...]:
        """Resolves; records that a person told apart from others are resolved without those, after all the rest."""
        apart = [one for one in request.sources if known.apart_from(one.record_id)]
        if not apart:
            return await self._run(request, len(request.sources) + len(request.destinations))
        ids = {one.record_id for one in apart}
        rest = tuple(one for one in request.sources if one.record_id not in ids)
        decisions = await self._run(replace(request, sources=rest), len(rest) + len(request.destinations))
        by_source = {one.source_id: one for one in decisions}
        for record in apart:
            taken = {one.destination_id for one in by_source.values()} | set(known.apart_from(record.record_id))
            left = tuple(one for one in request.destinations if one.record_id not in taken)
            alone = replace(request, sources=(record,), destinations=left, links=())
            (by_source[record.record_id],) = await self._run(alone, len(left))
        return tuple(by_source[one.record_id] for one in request.sources)

    async def _run(self, request: ResolutionRequest, record_count: int) -> tuple[Decision, ...]:
        if record_count <= IN_LOOP_RECORDS_MAX:
            return self._resolve(request)
        return await asyncio.to_thread(self._resolve, request)


def _refuse(record: RecordMetadata) -> Decision:
    return Decision(record.record_id, Action.NONE, Outcome.FAILED, Reason.INVALID_RECORD)


def _settle(record: RecordMetadata, known: KnownRecords) -> Decision:
    if record.record_id in known.echoes:
        return Decision(record.record_id, Action.NONE, Outcome.SKIPPED, Reason.ECHO)
    if record.record_id in known.tombstones:
        return Decision(record.record_id, Action.NONE, Outcome.SKIPPED, Reason.TOMBSTONE)
    link = known.links[record.record_id]
    return Decision(record.record_id, Action.NONE, Outcome.SKIPPED, Reason.KNOWN_LINK_UNCHANGED, link.destination_id)


def _recall_all(job_id: JobId, decisions: Sequence[Decision], known: KnownRecords) -> tuple[Decision, ...]:
    return tuple(_recall(job_id, one, known.links.get(one.source_id)) for one in decisions)


def _recall(job_id: JobId, decision: Decision, link: Link | None) -> Decision:
    """Returns what an earlier attempt of the same job did to the record, where nothing more is to be done."""
    if link is None or not link.is_written or link.job_id != job_id or decision.action is not Action.NONE:
        return decision
    if link.outcome is None or link.reason is None:
        return decision
    return replace(decision, outcome=link.outcome, reason=link.reason, destination_id=link.destination_id)
