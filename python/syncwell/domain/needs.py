"""What a source still owes (design D2): events accepted against events covered by successful runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from syncwell.domain.records import ConnectionId, DataType, UserId


@dataclass(frozen=True, slots=True)
class Need:
    """One source connection. `covered` maps each config to the sequence that its last successful run covered.

    `pending_at_ms` is the arrival of the oldest event that no run has covered; None while the need is clean.
    """

    user_id: UserId
    connection_id: ConnectionId
    dirty_sequence: int = 0
    covered: Mapping[str, int] = field(default_factory=dict)
    data_types: frozenset[DataType] = frozenset()
    pending_at_ms: int | None = None
    version: int = 0

    @property
    def covered_sequence(self) -> int:
        """Returns the lowest sequence that every known config has covered; 0 without configs."""
        return min(self.covered.values(), default=0)

    def with_events(self, count: int, data_types: frozenset[DataType], arrived_at_ms: int) -> Need:
        """Returns the need after `count` more events."""
        pending = arrived_at_ms if self.pending_at_ms is None else min(self.pending_at_ms, arrived_at_ms)
        return replace(
            self,
            dirty_sequence=self.dirty_sequence + count,
            data_types=self.data_types | data_types,
            pending_at_ms=pending,
            version=self.version + 1,
        )
