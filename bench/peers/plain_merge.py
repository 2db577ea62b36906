"""P12, peer: fingerprints of fields and the three-way merge of a pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from bench.peers.plain_evidence import RELATIONS
from bench.peers.plain_sport import Relation
from syncwell.domain.records import EditableField, RecordMetadata, Sport
from syncwell.domain.resolution import Strategy

FINGERPRINT_BYTES = 8
FIELDS = (EditableField.TITLE, EditableField.NOTES, EditableField.SPORT)
Base = Mapping[EditableField, int]
_NAMES = {one: len(one.value).to_bytes(8, "little") + one.value.encode() for one in FIELDS}


@dataclass(slots=True)
class FieldPlan:
    """What to write and what was found."""

    written: list[EditableField] = field(default_factory=list)
    base: dict[EditableField, int] = field(default_factory=dict)
    changes: set[str] = field(default_factory=set)
    has_kept: bool = False
    has_clash: bool = False
    lacks_times: bool = False
    has_fixed: bool = False


class Rules(NamedTuple):
    """What a plan depends on besides the two records."""

    strategy: Strategy
    updatable: frozenset[EditableField]
    key: bytes


def fingerprints(record: RecordMetadata, key: bytes) -> dict[EditableField, int]:
    """Returns a keyed 64-bit fingerprint of each field (BLAKE2b: the fastest keyed hash that Python has built in)."""
    values = (
        record.title.strip().replace("\r\n", "\n").encode(),
        record.notes.strip().replace("\r\n", "\n").encode(),
        str(int(record.sport)).encode(),
    )
    return {
        one: int.from_bytes(blake2b(_NAMES[one] + value, key=key, digest_size=FINGERPRINT_BYTES).digest(), "little")
        for one, value in zip(FIELDS, values, strict=True)
    }


def plan(
    source: RecordMetadata,
    destination: RecordMetadata,
    base: Base,
    rules: Rules,
) -> FieldPlan:
    """Plans the fields of a pair whose two sides are known."""
    result = FieldPlan()
    ours, theirs = fingerprints(source, rules.key), fingerprints(destination, rules.key)
    for one in FIELDS:
        our, their, known = ours[one], theirs[one], base.get(one)
        agrees = our == their or (one is EditableField.SPORT and _is_close(source.sport, destination.sport))
        change = _change(known, our, their, agrees=agrees)
        result.changes.add(change)
        result.base[one] = our if change != "none" and our == their else our if known is None else known
        if change != "none" and our != their:
            side = _winner(change, source, destination, rules.strategy)
            _settle(result, one, (change, side), our, rules)
    return result


def plan_unseen(source: RecordMetadata, base: Base, rules: Rules) -> FieldPlan:
    """Plans the fields of a pair whose destination was not fetched."""
    ours = fingerprints(source, rules.key)
    result = FieldPlan(base=dict(base))
    side = "destination" if rules.strategy is Strategy.DEST_WINS else "source"
    for one, known in base.items():
        if known != ours[one]:
            result.changes.add("source")
            _settle(result, one, ("source", side), ours[one], rules)
    return result


def _is_close(source: Sport, destination: Sport) -> bool:
    relation = RELATIONS[source, destination]
    if relation is Relation.UNKNOWN:
        return destination is not Sport.OTHER or source is Sport.OTHER
    return relation is not Relation.DIFFERENT


def _change(base: int | None, our: int, their: int, *, agrees: bool) -> str:
    if base is None:
        return "none" if agrees else "unknown"
    if our == base:
        return "none" if agrees else "destination"
    if our == their:
        return "both"
    return "source" if their == base or agrees else "both"


def _winner(change: str, source: RecordMetadata, destination: RecordMetadata, strategy: Strategy) -> str:
    if strategy is Strategy.SOURCE_WINS:
        return "source"
    if strategy is Strategy.DEST_WINS:
        return "destination"
    if change in ("source", "destination"):
        return change
    if strategy is Strategy.SMART_MERGE:
        return "destination" if change == "unknown" else "neither"
    ours, theirs = source.modified_ms, destination.modified_ms
    if ours is not None and theirs is not None:
        return "source" if ours > theirs else "destination"
    return "untimed" if change == "unknown" else "neither"


def _settle(result: FieldPlan, one: EditableField, verdict: tuple[str, str], our: int, rules: Rules) -> None:
    change, side = verdict
    if side == "untimed" or (side == "neither" and rules.strategy is Strategy.NEWEST_WINS):
        result.lacks_times = True
    if side == "source" and one in rules.updatable:
        result.written.append(one)
        result.base[one] = our
    elif side == "source":
        result.has_fixed = True
    elif side == "neither":
        result.has_clash = True
    elif change != "unknown" or side != "untimed":
        result.has_kept = True
