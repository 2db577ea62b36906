"""What a source still owes (design D2): events accepted against events covered by successful runs.

Every step is pure. An event is counted before it is acknowledged; a *source job* reads the count before its first call
to the source and, where it succeeds, covers that count for each config. Nothing here ever forgets an event because of
its time: two events become one only where both say the very same thing (see `EventBatch.identities`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from syncwell.domain.jobs import JobId, JobMode
from syncwell.domain.records import ConnectionId, DataType, UserId

RECENT_MAX = 256  # identities kept to recognise repetitions; one that is forgotten costs a look, never an event
EXPECTED_MAX = 200  # bounds the row; records beyond it are covered by the count, without a second look
LOOKS_MAX = 4  # a record that four looks have not shown is private, gone, or not ours to see


@dataclass(frozen=True, slots=True)
class Expected:
    """A record that an event named and that no run which began later has seen; asked for again at `recheck_at_ms`."""

    sequence: int
    recheck_at_ms: int
    look_count: int = 0


@dataclass(frozen=True, slots=True)
class SourceJob:
    """The job that has been made for a need and is not over."""

    job_id: JobId
    made_at_ms: int


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events of one source that arrived together.

    `identities` tell events apart that say different things; an event without one is always counted. `gone` are
    records that were deleted: such a batch does not wait for the window. `starts_from_ms` is the earliest record start
    that an event names.
    """

    identities: tuple[bytes, ...]
    data_types: frozenset[DataType]
    arrived_at_ms: int
    records: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    starts_from_ms: int | None = None
    mode: JobMode = JobMode.WEBHOOK


@dataclass(frozen=True, slots=True)
class Need:
    """One source connection. `covered` maps each config to the sequence that its last successful run covered.

    `pending_at_ms` is the arrival of the oldest event that no run has covered; None while the need is clean.
    `due_at_ms` is when a job must be made or, while one runs, looked after; None: nothing is to be done.
    """

    user_id: UserId
    connection_id: ConnectionId
    dirty_sequence: int = 0
    covered: Mapping[str, int] = field(default_factory=dict)
    data_types: frozenset[DataType] = frozenset()
    pending_at_ms: int | None = None
    version: int = 0
    starts_from_ms: int | None = None
    expected: Mapping[str, Expected] = field(default_factory=dict)
    recent: tuple[bytes, ...] = ()
    is_urgent: bool = False
    mode: JobMode = JobMode.WEBHOOK
    job: SourceJob | None = None
    job_count: int = 0
    last_job_ms: int | None = None
    failure_count: int = 0
    due_at_ms: int | None = None

    @property
    def covered_sequence(self) -> int:
        """Returns the lowest sequence that every known config has covered; 0 without configs."""
        return min(self.covered.values(), default=0)

    def is_covered_for(self, config_ids: Collection[str]) -> bool:
        """True when each of `config_ids` has been synced since the newest event."""
        return all(self.covered.get(config_id, 0) >= self.dirty_sequence for config_id in config_ids)

    def new_events_in(self, batch: EventBatch) -> int:
        """Returns how many events of `batch` say something that this need has not counted yet."""
        known = set(self.recent)
        count = 0
        for identity in batch.identities:
            if identity and identity in known:
                continue
            known.add(identity)
            count += 1
        return count

    def with_events(self, batch: EventBatch, *, now_ms: int, window_ms: int) -> Need:
        """Returns the need after `batch`; the same need where everything in it is a repetition.

        A quiet source is due at once, one that had a job within the window at the window's end.
        """
        count = self.new_events_in(batch)
        if not count:
            return self
        sequence = self.dirty_sequence + count
        arrivals = [each for each in (self.pending_at_ms, batch.arrived_at_ms) if each is not None]
        starts = [each for each in (self.starts_from_ms, batch.starts_from_ms) if each is not None]
        changed = replace(
            self,
            dirty_sequence=sequence,
            data_types=self.data_types | batch.data_types,
            pending_at_ms=min(arrivals),
            starts_from_ms=min(starts, default=None),
            expected=_expecting(self.expected, batch, sequence=sequence, now_ms=now_ms),
            recent=_remembering(self.recent, batch.identities),
            is_urgent=self.is_urgent or bool(batch.gone),
            mode=batch.mode if self.pending_at_ms is None else self.mode,
            version=self.version + 1,
        )
        return replace(changed, due_at_ms=_due_after_events(changed, now_ms=now_ms, window_ms=window_ms))

    def with_job(self, job_id: JobId, *, now_ms: int, look_after_ms: int) -> Need:
        """Returns the need whose source job was made now; it is looked after when it is not over by then."""
        return replace(
            self,
            job=SourceJob(job_id, now_ms),
            job_count=self.job_count + 1,
            last_job_ms=now_ms,
            is_urgent=False,
            due_at_ms=now_ms + look_after_ms,
            version=self.version + 1,
        )

    def with_coverage(self, config_id: str, sequence: int) -> Need:
        """Returns the need after a run of one config that read the source when `sequence` events were counted."""
        covered = {**self.covered, config_id: max(sequence, self.covered.get(config_id, 0))}
        return replace(self, covered=covered, version=self.version + 1)

    def due_again(self, at_ms: int | None) -> Need:
        """Returns the need with another due time and nothing else changed."""
        return replace(self, due_at_ms=at_ms, version=self.version + 1)

    def at_rest(self) -> Need:
        """Returns the need of a source that nobody wishes to be synced: nothing is due."""
        return replace(
            self,
            covered={},
            expected={},
            data_types=frozenset(),
            pending_at_ms=None,
            starts_from_ms=None,
            is_urgent=False,
            due_at_ms=None,
            version=self.version + 1,
        )


def _expecting(
    expected: Mapping[str, Expected], batch: EventBatch, *, sequence: int, now_ms: int
) -> dict[str, Expected]:
    kept = {record: one for record, one in expected.items() if record not in batch.gone}
    for record in sorted(batch.records - batch.gone):
        if record in kept or len(kept) < EXPECTED_MAX:
            kept[record] = Expected(sequence, now_ms)
    return kept


def _remembering(recent: tuple[bytes, ...], identities: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Keeps the newest identities, each once."""
    ordered = dict.fromkeys(recent)
    for identity in identities:
        if identity:
            ordered.pop(identity, None)
            ordered[identity] = None
    return tuple(ordered)[-RECENT_MAX:]


def _due_after_events(need: Need, *, now_ms: int, window_ms: int) -> int | None:
    if need.job is not None:
        return need.due_at_ms  # what comes while a job is under way is due when it ends
    if need.is_urgent:
        return now_ms
    if need.failure_count and need.due_at_ms is not None:
        return need.due_at_ms  # a source that fails is not asked more often because it talks more
    at_ms = now_ms if need.last_job_ms is None else max(now_ms, need.last_job_ms + window_ms)
    return at_ms if need.due_at_ms is None else min(at_ms, need.due_at_ms)
