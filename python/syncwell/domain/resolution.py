"""The typed door to matching and resolution in the Rust core.

Everything of match, score, assign, decide and field plan happens in `syncwell._core.resolve`; this file only names the
values that go in and come out. See `ARCHITECTURE.md`, "One sync".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TypeAlias

from syncwell import _core
from syncwell.domain.records import EditableField, RecordId, RecordMetadata


class Strategy(StrEnum):
    """Who wins where both sides differ."""

    SOURCE_WINS = "source_wins"
    DEST_WINS = "dest_wins"
    NEWEST_WINS = "newest_wins"
    SMART_MERGE = "smart_merge"


class Outcome(StrEnum):
    """What became of one source record; every record ends in exactly one."""

    CREATED = "created"
    UPDATED = "updated"
    MERGED = "merged"
    SKIPPED = "skipped"
    CONFLICTED = "conflicted"
    FAILED = "failed"


class Action(StrEnum):
    """What the worker must do for one decision."""

    CREATE = "create"
    UPDATE = "update"
    LINK = "link"
    NONE = "none"


class Reason(StrEnum):
    """Why; the closed list that API, console and metrics know. Texts live in the resource files."""

    # decided by the core
    NEW_RECORD = "new_record"
    KNOWN_LINK_UNCHANGED = "known_link_unchanged"
    SOURCE_EDITED = "source_edited"
    DESTINATION_EDITED = "destination_edited"
    BOTH_EDITED = "both_edited"
    SAME_EXTERNAL_ID = "same_external_id"
    SAME_WORKOUT = "same_workout"
    ZONE_SHIFT = "zone_shift"
    PART_OF = "part_of"
    NO_BASE = "no_base"
    UNSURE_MATCH = "unsure_match"
    ECHO = "echo"
    TOMBSTONE = "tombstone"
    DESTINATION_WINS = "destination_wins"
    DESTINATION_DELETED = "destination_deleted"
    # decided by the worker
    SOURCE_DELETED = "source_deleted"
    RECOVERED_WRITE = "recovered_write"
    PROVIDER_REPORTED_DUPLICATE = "provider_reported_duplicate"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_INVALID = "provider_invalid"
    UNSUPPORTED_BY_DESTINATION = "unsupported_by_destination"
    INVALID_RECORD = "invalid_record"
    # decided by a person
    ANSWERED_SAME = "answered_same"
    UNDONE = "undone"
    CHANGED_SINCE = "changed_since"
    ALREADY_GONE = "already_gone"


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A WRITTEN ledger row: this source record is that destination record.

    `base` holds the keyed 64-bit fingerprint of each editable field's last synced value; a missing field has no base.
    """

    source_id: RecordId
    destination_id: RecordId
    source_version: str
    base: Mapping[EditableField, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolutionRequest:
    """One window of two accounts of one person.

    `echoes` are the ids among `sources` that SyncWell itself wrote from this destination's lineage. `tombstones` are
    source ids whose destination record the person deleted. `updatable` are the fields that the destination can change.
    `fingerprint_key` is 16 bytes, per user. `clock_offset_ms` is what sure matches taught about this pair of services
    (destination minus source). `destinations_complete` says that `destinations` holds all that the destination has in
    the window: only then does a linked record that is missing count as deleted by the person.
    """

    sources: Sequence[RecordMetadata]
    destinations: Sequence[RecordMetadata]
    strategy: Strategy
    fingerprint_key: bytes
    links: Sequence[KnownLink] = ()
    echoes: frozenset[RecordId] = frozenset()
    tombstones: frozenset[RecordId] = frozenset()
    updatable: frozenset[EditableField] = frozenset()
    clock_offset_ms: int = 0
    destinations_complete: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall happen to one source record, and why.

    `fields` are the editable fields whose source value must be written to the destination. `score` is the calibrated
    probability that both are one record (None where no pair was judged). `evidence` explains it with plain numbers and
    holds no health data beyond differences and ratios. `field_fingerprints` is the base to keep with the link.
    """

    source_id: RecordId
    action: Action
    outcome: Outcome
    reason: Reason
    destination_id: RecordId | None = None
    score: float | None = None
    fields: tuple[EditableField, ...] = ()
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    field_fingerprints: Mapping[EditableField, int] = field(default_factory=dict)


_DecisionRow: TypeAlias = tuple[
    str, str, str, str | None, float | None, list[str], dict[str, float | int | str], list[tuple[str, int]]
]
_ACTIONS = {action.value: action for action in Action}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_REASONS = {reason.value: reason for reason in Reason}
_FIELDS = {name.value: name for name in EditableField}
_RECORD_ROW = attrgetter(
    "record_id",
    "data_type",
    "sport",
    "start_ms",
    "elapsed_ms",
    "version",
    "moving_ms",
    "distance_m",
    "utc_offset_s",
    "modified_ms",
    "external_id",
    "device_name",
    "is_start_hidden",
    "is_manual",
    "title",
    "notes",
)


def resolve(request: ResolutionRequest) -> tuple[Decision, ...]:
    """Decides for every source record; one decision each, in the order of `request.sources`.

    Deterministic: the same records in any order give the same decision for each. Without `destinations_complete` a
    linked record that is missing from `destinations` is judged by its base alone: what the source changed is carried
    over, what the person changed at the destination cannot be seen. So fetch the destination of every link whose
    source version changed.

    Raises:
        InvalidInputError: two sources (or destinations) share an id, or a value is out of range.
    """
    rows = _core.resolve(
        list(map(_RECORD_ROW, request.sources)),
        list(map(_RECORD_ROW, request.destinations)),
        [_link_row(link) for link in request.links],
        list(request.echoes),
        list(request.tombstones),
        list(request.updatable),
        request.strategy,
        request.fingerprint_key,
        request.clock_offset_ms,
        request.destinations_complete,
    )
    return tuple(_decision(record.record_id, row) for record, row in zip(request.sources, rows, strict=True))


def _link_row(link: KnownLink) -> tuple[str, str, int | None, int | None, int | None]:
    base = link.base
    return (
        link.source_id,
        link.destination_id,
        base.get(EditableField.TITLE),
        base.get(EditableField.NOTES),
        base.get(EditableField.SPORT),
    )


def _decision(source_id: RecordId, row: _DecisionRow) -> Decision:
    action, outcome, reason, destination_id, score, fields, evidence, fingerprints = row
    return Decision(
        source_id=source_id,
        action=_ACTIONS[action],
        outcome=_OUTCOMES[outcome],
        reason=_REASONS[reason],
        destination_id=None if destination_id is None else RecordId(destination_id),
        score=score,
        fields=tuple(_FIELDS[name] for name in fields),
        evidence=evidence,
        field_fingerprints={_FIELDS[name]: value for name, value in fingerprints},
    )
