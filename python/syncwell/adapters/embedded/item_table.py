"""Writes to the table of items, inside the transaction of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from syncwell.adapters.embedded.conditions import Stored, holds
from syncwell.domain.errors import ConditionFailedError
from syncwell.ports.item_store import Check, Condition, Delete, Item, Key, Put, Write

_LOOK = "SELECT version, fence, expires_at_ms FROM items WHERE partition = ? AND sort = ?"
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
        refused = [
            position
            for position, write in enumerate(writes)
            if write.condition is not None and not self._holds(write.condition, _key_of(write))
        ]
        if refused:
            raise ConditionFailedError(refused)
        for write in writes:
            self._apply(write)

    def write_each(self, writes: Sequence[Put | Delete]) -> tuple[bool, ...]:
        """Does each write on its own condition, in order; returns which were done."""
        return tuple([self._write_one(write) for write in writes])

    def purge(self, *, before_ms: int, limit: int) -> int:
        """Removes at most `limit` items that expired before `before_ms`; returns how many went."""
        self._execute(_PURGE, (before_ms, limit))
        return self._connection.changes()

    def _write_one(self, write: Put | Delete) -> bool:
        if write.condition is not None and not self._holds(write.condition, _key_of(write)):
            return False
        self._apply(write)
        return True

    def _holds(self, condition: Condition, key: Key) -> bool:
        row = self._execute(_LOOK, (key.partition, key.sort)).fetchone()
        return holds(condition, None if row is None else Stored(*row))

    def _apply(self, write: Write) -> None:
        if isinstance(write, Put):
            self._execute(_PUT, _row_of(write.item))
        elif isinstance(write, Delete):
            self._execute(_DELETE, (write.key.partition, write.key.sort))
        else:
            assert isinstance(write, Check), write  # noqa: S101 - a check writes nothing


def _key_of(write: Write) -> Key:
    return write.item.key if isinstance(write, Put) else write.key


def _row_of(item: Item) -> tuple[str | int | bytes | None, ...]:
    bucket, due_at_ms = (None, None) if item.due is None else (item.due.bucket, item.due.at_ms)
    return (
        item.key.partition,
        item.key.sort,
        item.version,
        item.fence,
        bucket,
        due_at_ms,
        item.reauth,
        item.at_ms,
        item.expires_at_ms,
        item.body,
    )
