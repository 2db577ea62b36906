"""How far a pair has been read, in record starts or, where the source lists by them, in change times."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from syncwell.domain.jobs import JobRequest
from syncwell.ports.item_store import Absent, Item, ItemStore, Key, Put, VersionEquals
from syncwell.repositories import keys

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Cursor:
    """`seen_until_ms` is epoch milliseconds; None before the first sync. `version` 0: not stored."""

    seen_until_ms: int | None = None
    version: int = 0


_decode = msgspec.msgpack.Decoder(Cursor).decode


class Cursors:
    """Cursors over an item store."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    async def load(self, request: JobRequest) -> Cursor:
        """Returns the cursor of the request's pair, read strongly."""
        item = await self._store.get(_key(request))
        return Cursor() if item is None else _decode(item.body)

    @staticmethod
    def move(request: JobRequest, seen: Cursor, seen_until_ms: int) -> Put:
        """Returns the write that moves the cursor from where it was seen; refused where another run moved it."""
        # Settles: two jobs of one pair that finish at once.
        is_as_seen = VersionEquals(seen.version) if seen.version else Absent()
        wanted = Cursor(seen_until_ms, seen.version + 1)
        return Put(Item(_key(request), _encode(wanted), version=wanted.version), is_as_seen)


def _key(request: JobRequest) -> Key:
    return keys.cursor(
        request.user_id, request.source_connection_id, request.destination_connection_id, request.data_type
    )
