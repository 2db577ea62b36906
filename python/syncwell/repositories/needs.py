"""Stores needs; every change is conditional on the version that was read."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from syncwell.domain.errors import ConditionFailedError, LimitExceededError
from syncwell.domain.needs import Need
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.item_store import Absent, Item, ItemStore, Put, VersionEquals
from syncwell.repositories import keys

CONFLICTS_MAX = 20  # more than that many writers of one source at once is an attack

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Need).decode


class Needs:
    """Needs over an item store."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    async def load(self, user_id: UserId, connection_id: ConnectionId) -> Need:
        """Returns the need of a source; a clean one where nothing is stored."""
        item = await self._store.get(keys.need(user_id, connection_id))
        return Need(user_id, connection_id) if item is None else _decode(item.body)

    async def change(self, user_id: UserId, connection_id: ConnectionId, change: Callable[[Need], Need]) -> Need:
        """Applies `change` to the newest need, again where another writer came between; returns what was stored.

        Raises:
            LimitExceededError: too many writers at once; nothing was changed.
        """
        for _ in range(CONFLICTS_MAX):
            seen = await self.load(user_id, connection_id)
            wanted = change(seen)
            condition = VersionEquals(seen.version) if seen.version else Absent()
            item = Item(keys.need(user_id, connection_id), _encode(wanted), version=wanted.version)
            try:
                await self._store.transact([Put(item, condition)])
            except ConditionFailedError:
                continue
            return wanted
        raise LimitExceededError("too many events of one source at once; send them again")
