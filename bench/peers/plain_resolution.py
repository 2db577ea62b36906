"""P12, peer: the core's resolution in plain Python, with the same rules, the same order and the same answers.

Only the fingerprint differs (BLAKE2b for SipHash), because SipHash in Python would slow the peer for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp

from bench.peers.plain_evidence import WEIGHTS, compare
from bench.peers.plain_matching import Edge, Found, match
from bench.peers.plain_merge import FieldPlan, Rules, fingerprints, plan, plan_unseen
from syncwell.domain.records import RecordId, RecordMetadata
from syncwell.domain.resolution import Action, Decision, KnownLink, Outcome, Reason, ResolutionRequest

_ROUNDS_MAX = 8
_EXTERNAL_ID_GAP_MS = 26 * 3_600_000


def resolve(request: ResolutionRequest) -> tuple[Decision, ...]:
    """Decides for every source record, looking one run ahead so that no second run writes."""
    decisions = _Resolver(request).decide()
    for _ in range(_ROUNDS_MAX):
        if not any(map(_is_dependent, decisions)) or all(one.action is Action.NONE for one in decisions):
            break
        ahead = _Resolver(_next_run(request, decisions)).decide()
        changed = [
            _is_dependent(one) and then.action is not Action.NONE for one, then in zip(decisions, ahead, strict=True)
        ]
        if not any(changed):
            break
        decisions = [then if is_new else one for one, then, is_new in zip(decisions, ahead, changed, strict=True)]
    return tuple(decisions)


def _is_dependent(decision: Decision) -> bool:
    return decision.reason in (Reason.PART_OF, Reason.UNSURE_MATCH)


def _next_run(request: ResolutionRequest, decisions: Sequence[Decision]) -> ResolutionRequest:
    destinations = {record.record_id: record for record in request.destinations}
    links = {link.source_id: link for link in request.links}
    for source, decision in zip(request.sources, decisions, strict=True):
        if decision.action is Action.NONE:
            continue
        destination_id = decision.destination_id
        if destination_id is None:
            destination_id = source.record_id
            while destination_id in destinations:
                destination_id = RecordId(destination_id + "+")
            destinations[destination_id] = replace(source, record_id=destination_id)
        elif destination_id in destinations and decision.fields:
            changes = {one.value: getattr(source, one.value) for one in decision.fields}
            destinations[destination_id] = replace(destinations[destination_id], **changes)
        base = decision.field_fingerprints
        links[source.record_id] = KnownLink(source.record_id, destination_id, source.version, base)
    return replace(request, destinations=list(destinations.values()), links=list(links.values()))


class _Resolver:
    def __init__(self, request: ResolutionRequest) -> None:
        self._request = request
        self._links = {link.source_id: link for link in request.links}
        self._destinations = {record.record_id: record for record in request.destinations}
        self._writers: dict[RecordId, RecordId] = {}
        for link in request.links:
            known = self._writers.get(link.destination_id, link.source_id)
            self._writers[link.destination_id] = min(known, link.source_id)
        if len(self._links) < len(request.links) or len(self._destinations) < len(request.destinations):
            raise ValueError("an id is used twice")
        self._rules = Rules(request.strategy, request.updatable, request.fingerprint_key)

    def decide(self) -> list[Decision]:
        """Decides once, by what is known now."""
        decisions = {record.record_id: self._decide_known(record) for record in self._request.sources}
        if len(decisions) < len(self._request.sources):
            raise ValueError("an id is used twice")
        taken = self._decide_same_external_ids(decisions)
        self._decide_rest(decisions, taken)
        return [one for one in decisions.values() if one is not None]

    def _decide_known(self, source: RecordMetadata) -> Decision | None:
        source_id = source.record_id
        if source_id in self._request.echoes:
            return Decision(source_id, Action.NONE, Outcome.SKIPPED, Reason.ECHO)
        if source_id in self._request.tombstones:
            return Decision(source_id, Action.NONE, Outcome.SKIPPED, Reason.TOMBSTONE)
        link = self._links.get(source_id)
        return None if link is None else self._decide_link(source, link)

    def _decide_link(self, source: RecordMetadata, link: KnownLink) -> Decision:
        target = self._destinations.get(link.destination_id)

        def skipped(reason: Reason, evidence: Mapping[str, float | int | str]) -> Decision:
            return Decision(
                source.record_id,
                Action.NONE,
                Outcome.SKIPPED,
                reason,
                link.destination_id,
                evidence=evidence,
                field_fingerprints=link.base,
            )

        if target is None and self._request.destinations_complete:
            return skipped(Reason.DESTINATION_DELETED, {})
        if self._writers[link.destination_id] != source.record_id:
            return skipped(Reason.KNOWN_LINK_UNCHANGED, {"shared_destination": 1})
        if target is not None:
            return _link_decision(source, link, plan(source, target, link.base, self._rules), {})
        return _link_decision(source, link, plan_unseen(source, link.base, self._rules), {"destination_unseen": 1})

    def _decide_same_external_ids(self, decisions: dict[RecordId, Decision | None]) -> set[RecordId]:
        sources, targets = _unique(self._request.sources), _unique(self._request.destinations)
        taken: set[RecordId] = set()
        for external_id, source in sources.items():
            target = targets.get(external_id)
            if (
                source is not None
                and target is not None
                and decisions[source.record_id] is None
                and target.record_id not in self._writers
                and source.data_type == target.data_type
                and abs(source.start_ms - target.start_ms) <= _EXTERNAL_ID_GAP_MS
            ):
                taken.add(target.record_id)
                decisions[source.record_id] = self._link_new(source, target, Reason.SAME_EXTERNAL_ID, None)
        return taken

    def _decide_rest(self, decisions: dict[RecordId, Decision | None], taken: set[RecordId]) -> None:
        sources = sorted(self._request.sources, key=_canonical)
        destinations = sorted(self._request.destinations, key=_canonical)
        is_free = [decisions[record.record_id] is None for record in sources]
        is_target_free = [
            record.record_id not in self._writers and record.record_id not in taken for record in destinations
        ]
        found = match(sources, destinations, is_free, is_target_free, self._request.clock_offset_ms)
        for source, free, one in zip(sources, is_free, found, strict=True):
            if free:
                decisions[source.record_id] = self._decide_found(source, one, destinations)

    def _decide_found(self, source: RecordMetadata, found: Found, destinations: list[RecordMetadata]) -> Decision:
        edge = found.edge
        if edge is None:
            return self._new(source, None, {})
        target = destinations[edge.destination]
        if found.kind == "same":
            is_shift = edge.verdict.explanation == "zone_shift"
            return self._link_new(source, target, Reason.ZONE_SHIFT if is_shift else Reason.SAME_WORKOUT, edge)
        score, evidence = _probability(edge), self._explain(source, target, edge)
        if found.kind == "new":
            return self._new(source, score, evidence)
        outcome, reason = (
            (Outcome.CONFLICTED, Reason.UNSURE_MATCH) if found.kind == "unsure" else (Outcome.SKIPPED, Reason.PART_OF)
        )
        return Decision(source.record_id, Action.NONE, outcome, reason, target.record_id, score, evidence=evidence)

    def _new(self, source: RecordMetadata, score: float | None, evidence: Mapping[str, float | int | str]) -> Decision:
        return Decision(
            source.record_id,
            Action.CREATE,
            Outcome.CREATED,
            Reason.NEW_RECORD,
            score=score,
            evidence=evidence,
            field_fingerprints=fingerprints(source, self._request.fingerprint_key),
        )

    def _link_new(self, source: RecordMetadata, target: RecordMetadata, reason: Reason, edge: Edge | None) -> Decision:
        fields = plan(source, target, {}, self._rules)
        evidence = _facts(fields)
        if edge is not None:
            evidence |= self._explain(source, target, edge)
        return Decision(
            source.record_id,
            Action.LINK,
            Outcome.MERGED,
            reason,
            target.record_id,
            None if edge is None else _probability(edge),
            tuple(fields.written),
            evidence,
            fields.base,
        )

    def _explain(self, source: RecordMetadata, target: RecordMetadata, edge: Edge) -> dict[str, float | int | str]:
        evidence = compare(source, target, self._request.clock_offset_ms)
        told: dict[str, float | int | str] = {
            "explanation": edge.verdict.explanation,
            "weights": WEIGHTS.version,
            "start_gap_s": evidence.start_gap / 1_000,
            "end_gap_s": evidence.end_gap / 1_000,
            "overlap_share": evidence.overlap,
            "duration_difference": evidence.elapsed_difference,
        }
        if evidence.moving_difference is not None:
            told["moving_difference"] = evidence.moving_difference
        if evidence.distance_difference is not None:
            told["distance_difference"] = evidence.distance_difference
        if edge.verdict.explanation == "zone_shift":
            told["shift_half_hours"] = evidence.half_hours
            told["shift_residual_s"] = evidence.residual / 1_000
        return told


def _link_decision(
    source: RecordMetadata, link: KnownLink, fields: FieldPlan, evidence: dict[str, float | int | str]
) -> Decision:
    has_source_edit = not fields.changes.isdisjoint(("source", "both"))
    has_destination_edit = not fields.changes.isdisjoint(("destination", "both"))
    if has_source_edit and has_destination_edit:
        edited = Reason.BOTH_EDITED
    elif has_source_edit or (fields.written and not has_destination_edit):
        edited = Reason.SOURCE_EDITED
    else:
        edited = Reason.DESTINATION_EDITED if has_destination_edit else Reason.KNOWN_LINK_UNCHANGED
    if fields.written:
        action, outcome, reason = Action.UPDATE, Outcome.UPDATED, edited
    elif fields.has_clash:
        action, outcome, reason = Action.NONE, Outcome.CONFLICTED, Reason.BOTH_EDITED
    elif fields.has_kept and has_source_edit:
        action, outcome, reason = Action.NONE, Outcome.SKIPPED, Reason.DESTINATION_WINS
    else:
        action, outcome, reason = Action.NONE, Outcome.SKIPPED, edited
    return Decision(
        source.record_id,
        action,
        outcome,
        reason,
        link.destination_id,
        fields=tuple(fields.written),
        evidence=evidence | _facts(fields),
        field_fingerprints=fields.base,
    )


def _facts(fields: FieldPlan) -> dict[str, float | int | str]:
    flags = {
        "no_base": "unknown" in fields.changes,
        "newest_wins_without_times": fields.lacks_times,
        "fields_in_conflict": fields.has_clash,
        "fields_not_updatable": fields.has_fixed,
    }
    return {name: 1 for name, is_set in flags.items() if is_set}


def _unique(records: Sequence[RecordMetadata]) -> dict[str, RecordMetadata | None]:
    found: dict[str, RecordMetadata | None] = {}
    for record in records:
        if record.external_id:
            found[record.external_id] = None if record.external_id in found else record
    return found


def _canonical(record: RecordMetadata) -> tuple[int, int, str, int, str]:
    return (record.start_ms, record.elapsed_ms, record.data_type, record.sport, record.record_id)


def _probability(edge: Edge) -> float:
    return 1.0 / (1.0 + exp(-edge.verdict.log_odds))
