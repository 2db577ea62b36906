"""The event log's table: appending and purging inside a batch, reading through a reader's connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

import apsw

from syncwell.domain.errors import InvalidInputError, NotFoundError
from syncwell.ports.event_log import Event, LoggedEvent

RETENTION_MS = 24 * 3_600_000

_APPEND = "INSERT INTO events (at_ms, event_id, user_id, body) VALUES (?, ?, ?, ?)"
_OLDEST = "SELECT sequence, at_ms FROM events ORDER BY sequence LIMIT ?"
_FORGET = "DELETE FROM events WHERE sequence <= ?"
_FIRST = "SELECT min(sequence) FROM events"
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
_READ = "SELECT sequence, event_id, user_id, body FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"
_CURSOR = re.compile("[0-9]{1,18}")  # a number that fits 64 bits


class EventTable:
    """The events, as the sole writer sees them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def append(self, events: Sequence[Event], *, now_ms: int) -> None:
        """Adds events at the end."""
        self._connection.executemany(_APPEND, [(now_ms, event.event_id, event.user_id, event.body) for event in events])

    def purge(self, *, now_ms: int, limit: int) -> int:
        """Removes events older than the retention among the `limit` oldest, never out of order; returns how many."""
        last_old = 0
        gone_count = 0
        rows = cast(list[tuple[int, int]], self._connection.execute(_OLDEST, (limit,)).fetchall())
        for sequence, at_ms in rows:
            if at_ms > now_ms - RETENTION_MS:
                break
            last_old = sequence
            gone_count += 1
        if gone_count:
            self._connection.execute(_FORGET, (last_old,))
        return gone_count


class EventReader:
    """The events, as a reader sees them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def tail(self) -> str:
        """Returns the cursor of the newest event, or of the empty log."""
        return str(self._last())

    def read(self, after: str, *, limit: int) -> tuple[LoggedEvent, ...]:
        """Returns events behind `after`.

        Raises:
            NotFoundError: the log no longer (or, after a restore, not yet) reaches back to the cursor.
            InvalidInputError: this is no cursor of ours.
        """
        sequence = _parse(after)
        rows = cast(list[tuple[int, str, str, bytes]], self._connection.execute(_READ, (sequence, limit)).fetchall())
        if not rows or rows[0][0] != sequence + 1:
            self._require_continuous(sequence)
        return tuple([LoggedEvent(str(row[0]), Event(row[1], row[2], row[3])) for row in rows])

    def _require_continuous(self, sequence: int) -> None:
        last = self._last()
        first = self._connection.execute(_FIRST).get
        oldest_readable = last if first is None else first - 1
        if not oldest_readable <= sequence <= last:
            raise NotFoundError("the event log no longer reaches back to this cursor; read the state anew")

    def _last(self) -> int:
        return int(self._connection.execute(_LAST).get or 0)


def _parse(cursor: str) -> int:
    if not _CURSOR.fullmatch(cursor):
        raise InvalidInputError("this is not a cursor of the event log", field="after")
    return int(cursor)
