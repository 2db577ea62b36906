"""News of a source, as the coalescer takes it."""

from __future__ import annotations

from dataclasses import dataclass

from syncwell.domain.records import ConnectionId, DataType, UserId

SOURCE_EVENTS_MAX = 1000
"""The most events of one call."""


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """Something changed at a source; `arrived_at_ms` is when we heard of it.

    `identity` is the same for repetitions of one event and for nothing else; empty where the provider's events cannot
    be told apart. `is_deletion` says that the record is gone; `starts_from_ms` is where the record begins, if told.
    """

    user_id: UserId
    connection_id: ConnectionId
    data_type: DataType
    arrived_at_ms: int
    record_id: str = ""
    identity: bytes = b""
    is_deletion: bool = False
    starts_from_ms: int | None = None
