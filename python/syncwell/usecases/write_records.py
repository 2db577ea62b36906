"""Carries out the decisions of a window: merges in batches, updates and new records a few at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from syncwell.domain.errors import ProviderRefusedError
from syncwell.domain.links import Link, LinkState, external_id_of
from syncwell.domain.records import EditableField, RecordId, RecordMetadata
from syncwell.domain.resolution import Action, Decision, Outcome, Reason
from syncwell.ports.clock import Clock
from syncwell.ports.roles import ProviderSessions
from syncwell.repositories.ledger import Ledger, LinkChange
from syncwell.usecases.create_record import HOUR_MS, CreateRecord
from syncwell.usecases.fetch_payloads import FetchPayloads
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.known_records import KnownRecords, lineage_of_copy
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import SyncPair
from syncwell.usecases.sync_wait import Wait
from syncwell.usecases.write_crew import WriteCrew

_NOT_OURS_TO_LINK = frozenset({Reason.ECHO, Reason.TOMBSTONE, Reason.DESTINATION_DELETED})


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions on one window, with what they are about."""

    lease: JobLease
    pair: SyncPair
    records: Mapping[RecordId, RecordMetadata]
    known: KnownRecords
    decisions: Sequence[Decision]


class WriteRecords:
    """Does what was decided."""

    def __init__(
        self,
        *,
        sessions: ProviderSessions,
        ledger: Ledger,
        clock: Clock,
        payloads: FetchPayloads,
        create: CreateRecord,
        limits: SyncLimits,
    ) -> None:
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._payloads = payloads
        self._create = create
        self._limits = limits

    async def write_all(self, plan: Plan) -> tuple[Decision, ...] | Wait:
        """Carries out the plan; returns its decisions as they turned out, or that the job must wait.

        Records that are done are linked, so that the next attempt of the job can tell what this one did.

        Raises:
            FenceLostError: the job belongs to another worker now.
            ProviderError: a provider failed in a way that concerns more than one record.
        """
        await self._save_found(plan)
        async with WriteCrew(self._limits.writes_at_once) as crew:
            for decision in plan.decisions:
                if _changes_fields(decision):
                    await crew.start(partial(self._update, plan, decision))
            await self._create_all(plan, crew)
        if crew.error is not None:
            raise crew.error
        if crew.wait is not None:
            return crew.wait
        return tuple(crew.outcomes.get(one.source_id, one) for one in plan.decisions)

    async def _create_all(self, plan: Plan, crew: WriteCrew) -> None:
        wanted = {one.source_id: one for one in plan.decisions if one.action is Action.CREATE}
        records = [plan.records[one] for one in wanted]
        async for record_id, payload in self._payloads.fetch(plan.lease, plan.pair, records):
            if crew.has_stopped:
                return
            decision, record = wanted[record_id], plan.records[record_id]
            if isinstance(payload, Reason):
                outcome = Outcome.SKIPPED if payload is Reason.SOURCE_DELETED else Outcome.FAILED
                crew.outcomes[record_id] = replace(decision, outcome=outcome, reason=payload)
                continue
            create = partial(self._create.create, plan.lease, plan.pair, record, decision)
            await crew.start(partial(create, known=plan.known, workout=payload))

    async def _save_found(self, plan: Plan) -> None:
        """Links what was found at the destination, and keeps links of unwritten changes up to date."""
        changes = [change for one in plan.decisions if (change := self._found_change(plan, one)) is not None]
        await self._withdraw_unwanted(plan, {change.link.source_id for change in changes})
        there = [change.link.destination_id for change in changes if change.lineage is not None]
        known = await self._ledger.load_lineages(plan.pair.request.user_id, plan.pair.destination_account, there)
        changes = [
            replace(change, lineage=change.lineage and change.lineage.joined(known.get(change.link.destination_id)))
            for change in changes
        ]
        # Where another job has linked the record meanwhile, its link is as good.
        await self._ledger.save_many(plan.lease.job, changes)

    async def _withdraw_unwanted(self, plan: Plan, linked: Set[RecordId]) -> None:
        """Forgets announced writes that did not happen and that nobody wants any more."""
        for decision in plan.decisions:
            seen = plan.known.links.get(decision.source_id)
            is_unwanted = decision.action is Action.NONE and decision.source_id not in linked
            if is_unwanted and seen is not None and seen.is_pending:
                await self._ledger.withdraw(plan.lease.job, seen)

    def _found_change(self, plan: Plan, decision: Decision) -> LinkChange | None:
        if _changes_fields(decision) or decision.destination_id is None or decision.reason in _NOT_OURS_TO_LINK:
            return None
        seen = plan.known.links.get(decision.source_id)
        if decision.action is Action.LINK:
            lineage = lineage_of_copy(plan.pair, plan.known, decision.source_id, was_written=False)
            return LinkChange(self._linked(plan, decision, seen), lineage)
        record = plan.records.get(decision.source_id)
        if decision.outcome is Outcome.CONFLICTED and record is not None:
            return self._question(plan, decision, seen)
        if decision.action is not Action.NONE or decision.outcome is not Outcome.SKIPPED or record is None:
            return None
        return self._newer(plan, decision, record, seen)

    def _newer(self, plan: Plan, decision: Decision, record: RecordMetadata, seen: Link | None) -> LinkChange | None:
        """Keeps the link of a record that is skipped up to date."""
        if seen is None or not seen.is_written:
            return LinkChange(self._linked(plan, decision, seen))  # both are copies of one record
        if seen.source_version == record.version or seen.destination_id != decision.destination_id:
            return None
        base = decision.field_fingerprints or seen.base
        return LinkChange(replace(seen, source_version=record.version, base=base))

    def _question(self, plan: Plan, decision: Decision, seen: Link | None) -> LinkChange | None:
        """Keeps the question open for its answer, once."""
        asked = replace(self._linked(plan, decision, seen), state=LinkState.ASKED)
        if seen is not None and (seen.is_written or _is_same_question(seen, asked)):
            return None
        return LinkChange(asked)

    async def _update(self, plan: Plan, decision: Decision) -> Decision | Wait:
        """Writes the changed fields. Writing them twice is as good as once, so nothing is announced."""
        record, destination_id = plan.records[decision.source_id], decision.destination_id
        assert destination_id is not None, "an update names its record"  # noqa: S101 - the core's contract
        await plan.lease.refresh_for_write()
        session = self._sessions.open(
            plan.pair.destination, priority=plan.pair.request.priority, deadline_ms=plan.lease.call_deadline_ms()
        )
        values = {field: _value_of(record, field) for field in decision.fields}
        try:
            written = await plan.pair.writing.update(session, destination_id, values)
        except ProviderRefusedError:
            return replace(decision, outcome=Outcome.FAILED, reason=Reason.PROVIDER_REFUSED)
        seen = plan.known.links.get(decision.source_id)
        link = replace(self._linked(plan, decision, seen), destination_version=written.version)
        account, user_id = plan.pair.destination_account, plan.pair.request.user_id
        known = await self._ledger.load_lineages(user_id, account, [destination_id])
        lineage = lineage_of_copy(plan.pair, plan.known, decision.source_id, was_written=False)
        await self._ledger.save(plan.lease.job, LinkChange(link, lineage.joined(known.get(destination_id))))
        return decision

    def _linked(self, plan: Plan, decision: Decision, seen: Link | None) -> Link:
        """Returns the link of a record that is at the destination, over what was there before."""
        pair, job, record = plan.pair, plan.lease.job, plan.records[decision.source_id]
        external_id = external_id_of(
            pair.request.user_id, pair.source_account, record.record_id, pair.destination_account
        )
        return Link(
            source_account=pair.source_account,
            source_id=record.record_id,
            destination_account=pair.destination_account,
            state=LinkState.WRITTEN,
            job_id=job.job_id,
            fence=job.fence,
            external_id=external_id,
            since_ms=self._clock.now_ms(),
            record_hour=record.start_ms // HOUR_MS,
            destination_id=decision.destination_id or RecordId(""),
            destination_version="" if seen is None else seen.destination_version,
            source_version=record.version,
            base=decision.field_fingerprints,
            outcome=decision.outcome,
            reason=decision.reason,
            version=0 if seen is None else seen.version,
            apart_from=() if seen is None else seen.apart_from,
        )


def _is_same_question(seen: Link, asked: Link) -> bool:
    there = (asked.state, asked.destination_id, asked.source_version)
    return (seen.state, seen.destination_id, seen.source_version) == there


def _changes_fields(decision: Decision) -> bool:
    return decision.action is Action.UPDATE or (decision.action is Action.LINK and bool(decision.fields))


def _value_of(record: RecordMetadata, field: EditableField) -> str:
    match field:
        case EditableField.TITLE:
            return record.title
        case EditableField.NOTES:
            return record.notes
        case EditableField.SPORT:
            return record.sport.name
