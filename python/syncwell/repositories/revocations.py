"""Grants that SyncWell has given up and that must still end at their provider: an outbox of the credentials service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from syncwell.domain.connections import Connection
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.item_store import Delete, Due, Item, ItemStore, Put, VersionEquals
from syncwell.repositories import keys
from syncwell.repositories.accounts import replaces


@dataclass(frozen=True, slots=True)
class Revocation:
    """A sealed grant to end at `due_at_ms`; `sealed` opens with `Grants.open_for`.

    `external_user_id` names the account of a connection that was ended: the grant is left alone once that account is
    connected again. It is empty for a grant that never belonged to a connection.
    """

    connection_id: ConnectionId
    user_id: UserId
    provider: str
    due_at_ms: int
    sealed: bytes = field(repr=False)
    external_user_id: str = ""
    attempt_count: int = 0
    version: int = 1


class Revocations:
    """Finds what is due and keeps track of attempts."""

    def __init__(self, items: ItemStore) -> None:
        self._items = items

    async def load(self, connection_id: ConnectionId) -> Revocation | None:
        """Reads the row strongly."""
        item = await self._items.get(keys.revocation(connection_id))
        return None if item is None else _decode(item)

    async def load_due(self, *, now_ms: int, limit: int) -> tuple[Revocation, ...]:
        """Reads what is due, earliest first; may be stale, so that `save` decides."""
        page = await self._items.query_due(keys.REVOCATION_BUCKET, until_ms=now_ms, limit=limit)
        return tuple(_decode(item) for item in page.items)

    async def save(self, revocation: Revocation) -> bool:
        """Writes the row; False where somebody else has changed or finished it."""
        (was_done,) = await self._items.write_each([revocation_put(revocation)])
        return was_done

    async def delete(self, revocation: Revocation) -> None:
        """Removes the row as it was read; one that was changed stays."""
        condition = VersionEquals(revocation.version)
        await self._items.write_each([Delete(keys.revocation(revocation.connection_id), condition)])


def revocation_of(connection: Connection, sealed: bytes, *, now_ms: int) -> Revocation:
    """Returns the row that ends the grant of a connection, due at once."""
    return Revocation(
        connection.connection_id,
        connection.user_id,
        connection.provider,
        now_ms,
        sealed,
        external_user_id=connection.external_user_id,
    )


def revocation_put(revocation: Revocation) -> Put:
    """Returns the write of a row; it replaces the version before its own."""
    item = Item(
        keys.revocation(revocation.connection_id),
        msgspec.msgpack.encode(revocation),
        version=revocation.version,
        due=Due(keys.REVOCATION_BUCKET, revocation.due_at_ms),
    )
    return Put(item, replaces(revocation.version))


_ROW = msgspec.msgpack.Decoder(Revocation)


def _decode(item: Item) -> Revocation:
    return replace(_ROW.decode(item.body), version=item.version)
