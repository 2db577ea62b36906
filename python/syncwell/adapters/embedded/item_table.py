"""Writes to the table of items, inside the transaction of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import cast

import apsw

from syncwell.adapters.embedded.conditions import Stored, holds
from syncwell.domain.errors import ConditionFailedError
from syncwell.ports.item_store import Absent, Check, Delete, Item, Key, Put, VersionEquals, Write

_INDEXED = ("due_bucket", "due_at_ms", "reauth", "at_ms", "expires_at_ms")
_LOOK = """
SELECT version, fence, due_bucket, due_at_ms, reauth, at_ms, expires_at_ms FROM items WHERE partition = ? AND sort = ?
"""
# Both replace only where the columns of the indexes that they leave alone stay as they are.
_REPLACE = """
UPDATE items SET version = ?, fence = ?, body = ? WHERE partition = ? AND sort = ? AND version = ?
AND reauth IS ? AND at_ms IS ? AND expires_at_ms IS ? AND due_bucket IS NULL
"""
_REPLACE_DUE = """
UPDATE items SET version = ?, fence = ?, body = ?, due_bucket = ?, due_at_ms = ?
WHERE partition = ? AND sort = ? AND version = ? AND reauth IS ? AND at_ms IS ? AND expires_at_ms IS ?
"""
_INSERT = """
INSERT INTO items (partition, sort, version, fence, due_bucket, due_at_ms, reauth, at_ms, expires_at_ms, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (partition, sort) DO NOTHING
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

_AT_ONCE = (VersionEquals, Absent)  # the conditions that one statement can compare in the common case

Indexed = tuple[str | None, int | None, str | None, int | None, int | None]
Row = tuple[int, int, str | None, int | None, str | None, int | None, int | None]


class ItemTable:
    """The items, as the sole writer sees them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.cursor().execute  # a cursor a statement would cost as much as binding it

    def transact(self, writes: Sequence[Write]) -> None:
        """Does all writes or none: every condition is compared with the state before the first write.

        Raises:
            ConditionFailedError: with the positions of all that did not hold; nothing was written.
        """
        if not self._transact_at_once(writes):
            self._transact_after_look(writes)

    def write_each(self, writes: Sequence[Put | Delete]) -> tuple[bool, ...]:
        """Does each write on its own condition, in order; returns which were done."""
        return tuple([self._write_at_once(write) or self._write_after_look(write) for write in writes])

    def purge(self, *, before_ms: int, limit: int) -> int:
        """Removes at most `limit` items that expired before `before_ms`; returns how many went."""
        self._execute(_PURGE, (before_ms, limit))
        return self._connection.changes()

    def _transact_at_once(self, writes: Sequence[Write]) -> bool:
        # No key comes twice, so a write's condition may be compared after its neighbours were written. False: nothing
        # is written, and looking will tell what was refused.
        if len(writes) == 1:
            return self._write_at_once(writes[0])
        self._execute("SAVEPOINT writes")
        done = all(map(self._write_at_once, writes))  # stops at the first that is not
        if not done:
            self._execute("ROLLBACK TO writes")
        self._execute("RELEASE writes")
        return done

    def _transact_after_look(self, writes: Sequence[Write]) -> None:
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

    def _write_at_once(self, write: Write) -> bool:
        """Does one write, in one statement where it is of a common kind; False where nothing was written."""
        condition = write.condition
        if type(write) is not Put or type(condition) not in _AT_ONCE:
            return self._write_after_look(write)
        item = write.item
        if type(condition) is VersionEquals:
            key, due = item.key, item.due
            seen = (key.partition, key.sort, condition.version, item.reauth, item.at_ms, item.expires_at_ms)
            if due is None:
                self._execute(_REPLACE, (item.version, item.fence, item.body, *seen))
            else:
                self._execute(_REPLACE_DUE, (item.version, item.fence, item.body, due.bucket, due.at_ms, *seen))
        else:
            self._execute(_INSERT, _row_of(item))
        return self._connection.changes() == 1

    def _write_after_look(self, write: Write) -> bool:
        row = None if write.condition is None else self._look(_key_of(write))
        if write.condition is not None and not holds(write.condition, _comparable(row)):
            return False
        self._apply(write, row)
        return True

    def _look(self, key: Key) -> Row | None:
        return cast(Row | None, self._execute(_LOOK, (key.partition, key.sort)).get)

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
