"""The audit log: entries are added, and never changed or removed."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from syncwell.domain.audit import AuditEntry
from syncwell.ports.item_store import Absent, Item, ItemStore, Put
from syncwell.repositories import keys

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AuditEntry).decode


class AuditLog:
    """Audit entries over an item store, a partition a day."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    async def append(self, entry: AuditEntry) -> None:
        """Adds the entry, durable when this returns.

        Raises:
            ConditionFailedError: there is an entry under this id; it stays as it is.
            StoreUnavailableError: nothing was written, so the act must not be done.
        """
        item = Item(keys.audit(_day(entry.at_ms), entry.at_ms, entry.audit_id), _encode(entry), at_ms=entry.at_ms)
        await self._store.transact([Put(item, Absent())])

    async def load_day(self, at_ms: int, *, limit: int) -> tuple[AuditEntry, ...]:
        """Returns the first `limit` entries of the UTC day of `at_ms`, oldest first."""
        page = await self._store.query(keys.audit_partition(_day(at_ms)), limit=limit)
        return tuple(_decode(item.body) for item in page.items)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).date().isoformat()
