"""Reading items straight from the file: microseconds, so it may stay in the event loop."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import cast

import apsw

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.item_store import Due, Item, Key, Page

PAGE_ITEMS_MAX = 1_000

_COLUMNS = "partition, sort, body, version, fence, due_bucket, due_at_ms, reauth, at_ms, expires_at_ms"
_GET = """
SELECT body, version, fence, due_bucket, due_at_ms, reauth, at_ms, expires_at_ms FROM items
WHERE partition = ? AND sort = ?
"""
_ASCENDING = f"""
SELECT {_COLUMNS} FROM items WHERE partition = ? AND sort >= ? AND sort < ? ORDER BY sort LIMIT ?
"""  # noqa: S608 - our own column names
_DESCENDING = f"""
SELECT {_COLUMNS} FROM items WHERE partition = ? AND sort >= ? AND sort < ? ORDER BY sort DESC LIMIT ?
"""  # noqa: S608 - our own column names
_BY_TIME = f"""
SELECT {_COLUMNS} FROM items INDEXED BY items_by_time
WHERE partition = ? AND at_ms IS NOT NULL AND (at_ms, sort) < (?, ?) AND sort >= ? AND sort < ?
ORDER BY at_ms DESC, sort DESC LIMIT ?
"""  # noqa: S608 - our own column names
_BY_DUE = f"""
SELECT {_COLUMNS} FROM items INDEXED BY items_by_due
WHERE due_bucket = ? AND due_at_ms <= ? AND (due_at_ms, partition, sort) > (?, ?, ?)
ORDER BY due_at_ms, partition, sort LIMIT ?
"""  # noqa: S608 - our own column names
_BY_REAUTH = f"""
SELECT {_COLUMNS} FROM items INDEXED BY items_by_reauth
WHERE reauth = ? AND (partition, sort) > (?, ?) ORDER BY partition, sort LIMIT ?
"""  # noqa: S608 - our own column names

_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**63 - 1
_TEXT_MAX = "\U0010ffff" * 8  # behind every key: keys hold no unassigned code points
_LEAST = "\0"  # a text followed by this is the next text in order
_SURROGATES_FIRST, _SURROGATES_LAST = 0xD800, 0xDFFF

Row = tuple[str, str, bytes, int, int, str | None, int | None, str | None, int | None, int | None]
ValueRow = tuple[bytes, int, int, str | None, int | None, str | None, int | None, int | None]
Place = list[str | int]


class ItemReader:
    """The items, as a reader sees them: all that was committed before the call."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute
        self._get = connection.cursor().execute  # its own cursor: making one costs as much as a look-up

    def get(self, key: Key) -> Item | None:
        """Returns the item at `key`, or None."""
        row = cast(ValueRow | None, self._get(_GET, (key.partition, key.sort)).get)
        if row is None:
            return None
        body, version, fence, bucket, due_at_ms, reauth, at_ms, expires_at_ms = row
        due = None if bucket is None or due_at_ms is None else Due(bucket, due_at_ms)
        return Item(key, body, version, fence, due, reauth, at_ms, expires_at_ms)

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Returns those of `keys` that exist."""
        found = ((key, self.get(key)) for key in keys)
        return {key: item for key, item in found if item is not None}

    def query(self, partition: str, *, sort_prefix: str, limit: int, cursor: str | None, is_descending: bool) -> Page:
        """Returns a page of a partition in order of the sort key."""
        first, end = sort_prefix, behind(sort_prefix)
        if cursor is not None:
            (place,) = cast(list[str], _open_cursor(cursor, [""]))
            # One bound on each side, or SQLite might begin at the prefix and skip the earlier pages row by row.
            first, end = (first, min(end, place)) if is_descending else (max(first, place + _LEAST), end)
        statement = _DESCENDING if is_descending else _ASCENDING
        binds = (partition, first, end, _page_size(limit) + 1)
        return self._page(statement, binds, limit, lambda item: [item.key.sort])

    def query_by_time(self, partition: str, *, sort_prefix: str, limit: int, cursor: str | None) -> Page:
        """Returns a page of a partition's items that have a time, newest first."""
        at_ms, sort = _open_cursor(cursor, [_INTEGER_MAX, _TEXT_MAX])
        binds = (partition, at_ms, sort, sort_prefix, behind(sort_prefix), _page_size(limit) + 1)
        return self._page(_BY_TIME, binds, limit, lambda item: [item.at_ms or 0, item.key.sort])

    def query_due(self, bucket: str, *, until_ms: int, limit: int, cursor: str | None) -> Page:
        """Returns a page of a bucket's items due by `until_ms`, earliest first."""
        at_ms, partition, sort = _open_cursor(cursor, [_INTEGER_MIN, "", ""])
        binds = (bucket, until_ms, at_ms, partition, sort, _page_size(limit) + 1)
        return self._page(
            _BY_DUE,
            binds,
            limit,
            lambda item: [item.due.at_ms if item.due else 0, item.key.partition, item.key.sort],
        )

    def query_reauth(self, status: str, *, limit: int, cursor: str | None) -> Page:
        """Returns a page of the items with this re-authentication status."""
        partition, sort = _open_cursor(cursor, ["", ""])
        binds = (status, partition, sort, _page_size(limit) + 1)
        return self._page(_BY_REAUTH, binds, limit, lambda item: [item.key.partition, item.key.sort])

    def _page(
        self, statement: str, binds: tuple[str | int, ...], limit: int, place_of: Callable[[Item], Place]
    ) -> Page:
        # One row more than asked tells whether there is another page.
        rows = cast(list[Row], self._execute(statement, binds).fetchall())
        items = tuple([item_of(row) for row in rows[:limit]])
        return Page(items, _close_cursor(place_of(items[-1])) if len(rows) > limit else None)


def item_of(row: Row) -> Item:
    """Returns a row as an item."""
    partition, sort, body, version, fence, bucket, due_at_ms, reauth, at_ms, expires_at_ms = row
    due = None if bucket is None or due_at_ms is None else Due(bucket, due_at_ms)
    return Item(Key(partition, sort), body, version, fence, due, reauth, at_ms, expires_at_ms)


def behind(prefix: str) -> str:
    """Returns the least text that is greater than every text with this prefix, in order of code points."""
    while prefix:
        last = ord(prefix[-1]) + 1
        if last == _SURROGATES_FIRST:
            last = _SURROGATES_LAST + 1
        if last <= 0x10FFFF:
            return prefix[:-1] + chr(last)
        prefix = prefix[:-1]
    return _TEXT_MAX


def _page_size(limit: int) -> int:
    if not 1 <= limit <= PAGE_ITEMS_MAX:
        raise InvalidInputError(f"a page holds 1 to {PAGE_ITEMS_MAX} items", field="limit")
    return limit


def _close_cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode("ascii")


def _open_cursor(cursor: str | None, start: Place) -> Place:
    if cursor is None:
        return start
    try:
        place = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except ValueError as exc:
        raise _wrong_cursor() from exc
    if not isinstance(place, list) or [type(part) for part in place] != [type(part) for part in start]:
        raise _wrong_cursor()
    return place


def _wrong_cursor() -> InvalidInputError:
    return InvalidInputError("this is not a cursor of this query", field="cursor")
