"""Writes to the table of items, inside the transaction of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import cast

import apsw

from syncwell.adapters.embedded.conditions import Stored, holds
from syncwell.domain.errors import ConditionFailedError
from syncwell.ports.item_store import Check, Delete, Item, Key, Put, Write

_INDEXED = ("due_bucket", "due_at_ms", "reauth", "at_ms", "expires_at_ms")
_LOOK = """
SELECT version, fence, due_bucket, due_at_ms, reauth, at_ms, expires_at_ms FROM items WHERE partition = ? AND sort = ?
"""
_PUT = """
INSERT INTO items (partition, sort, version, fence, due_bucket, due_at_ms, reauth, at_ms, expires_at_ms, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (partition, sort) DO UPDATE SET
    version = excluded.version, fence = excluded.fence, due_bucket = excluded.due_bucket,
    due_at_ms = excluded.due_at_ms, reauth = excluded.reauth, at_ms = excluded.at_ms,
    expires_at_ms = excluded.expires_at_ms, body = excluded.body
"""
_DELETE = "DELETE FROM items WHERE partition = ? AND sort = ?"
_PURGE = """
DELETE FROM items WHERE (partition, sort) IN
    (SELECT partition, sort FROM items WHERE expires_at_ms < ? ORDER BY expires_at_ms LIMIT ?)
"""

Indexed = tuple[str | None, int | None, str | None, int | None, int | None]
Row = tuple[int, int, str | None, int | None, str | None, int | None, int | None]


class ItemTable:
    """The items, as the sole writer sees them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def transact(self, writes: Sequence[Write]) -> None:
        """Does all writes or none: every condition is compared with the state before the first write.

        Raises:
            ConditionFailedError: with the positions of all that did not hold; nothing was written.
        """
        stored = [None if write.condition is None else self._look(_key_of(write)) for write in writes]
        refused = [
            position
            for position, (write, row) in enumerate(zip(writes, stored, strict=True))
            if write.condition is not None and not holds(write.condition, _comparable(row))
        ]
        if refused:
            raise ConditionFailedError(refused)
        for write, row in zip(writes, stored, strict=True):
            self._apply(write, row)

    def write_each(self, writes: Sequence[Put | Delete]) -> tuple[bool, ...]:
        """Does each write on its own condition, in order; returns which were done."""
        return tuple([self._write_one(write) for write in writes])

    def purge(self, *, before_ms: int, limit: int) -> int:
        """Removes at most `limit` items that expired before `before_ms`; returns how many went."""
        self._execute(_PURGE, (before_ms, limit))
        return self._connection.changes()

    def _write_one(self, write: Put | Delete) -> bool:
        row = None if write.condition is None else self._look(_key_of(write))
        if write.condition is not None and not holds(write.condition, _comparable(row)):
            return False
        self._apply(write, row)
        return True

    def _look(self, key: Key) -> Row | None:
        return cast(Row | None, self._execute(_LOOK, (key.partition, key.sort)).fetchone())

    def _apply(self, write: Write, stored: Row | None) -> None:
        # `stored` is None where nobody looked, too.
        if isinstance(write, Put):
            if stored is None:
                self._execute(_PUT, _row_of(write.item))
            else:
                self._rewrite(write.item, stored)
        elif isinstance(write, Delete):
            self._execute(_DELETE, (write.key.partition, write.key.sort))
        else:
            assert isinstance(write, Check), write  # noqa: S101 - a check writes nothing

    def _rewrite(self, item: Item, stored: Row) -> None:
        # A column that is not named leaves its index alone: fewer pages to write, and to sync.
        changed = [
            (name, new) for name, old, new in zip(_INDEXED, stored[2:], _indexed_of(item), strict=True) if old != new
        ]
        statement = _rewrite_statement(tuple([name for name, _ in changed]))
        values = [value for _, value in changed]
        self._execute(statement, (item.version, item.fence, item.body, *values, item.key.partition, item.key.sort))


@cache
def _rewrite_statement(changed: tuple[str, ...]) -> str:
    columns = "".join([f", {name} = ?" for name in changed])
    return f"UPDATE items SET version = ?, fence = ?, body = ?{columns} WHERE partition = ? AND sort = ?"  # noqa: S608 - our own column names


def _comparable(row: Row | None) -> Stored | None:
    return None if row is None else Stored(row[0], row[1], row[-1])


def _key_of(write: Write) -> Key:
    return write.item.key if isinstance(write, Put) else write.key


def _indexed_of(item: Item) -> Indexed:
    bucket, due_at_ms = (None, None) if item.due is None else (item.due.bucket, item.due.at_ms)
    return bucket, due_at_ms, item.reauth, item.at_ms, item.expires_at_ms


def _row_of(item: Item) -> tuple[str | int | bytes | None, ...]:
    return (item.key.partition, item.key.sort, item.version, item.fence, *_indexed_of(item), item.body)
