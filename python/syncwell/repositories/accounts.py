"""Connections, the owners of external accounts, and sync configs.

A value's `version` is the version being written: 1 for a new row, the stored one plus 1 for a change. The condition
follows from it, so that two writers who read the same row cannot both succeed. `*_put` and `*_delete` return the write
for a larger transaction; `save_*` does it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from syncwell.domain.connections import Connection, ConnectionStatus, SyncConfig
from syncwell.domain.errors import ConditionFailedError, OutcomeUnknownError, VersionConflictError
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.ports.item_store import Absent, Condition, Delete, Item, ItemStore, Key, Put, VersionEquals
from syncwell.repositories import keys

REAUTH_PENDING = "pending_user_action"  # the value in the sparse re-authentication index
PAGE_ITEMS = 100

RowT = TypeVar("RowT", Connection, SyncConfig)


@dataclass(frozen=True, slots=True)
class ExternalOwner:
    """Whose connection an external account belongs to; at most one in the installation."""

    provider: str
    external_user_id: str
    user_id: UserId
    connection_id: ConnectionId
    version: int


class Accounts:
    """What a person has connected and wishes to be synced."""

    def __init__(self, items: ItemStore) -> None:
        self._items = items

    async def load_connection(self, user_id: UserId, connection_id: ConnectionId) -> Connection | None:
        """Reads a connection strongly; None where there is none or it is another user's.

        Raises:
            StoreUnavailableError: nothing was read.
        """
        key = _key_or_none(user_id, connection_id)
        item = None if key is None else await self._items.get(key)
        return None if item is None else _decode(item, _CONNECTION)

    async def load_connections(self, user_id: UserId) -> tuple[Connection, ...]:
        """Reads every connection of a person, the revoked ones too, oldest first."""
        found = await self._load_all(user_id, keys.CONNECTION_PREFIX)
        connections = (_decode(item, _CONNECTION) for item in found)
        return tuple(sorted(connections, key=lambda each: (each.created_at_ms, each.connection_id)))

    async def load_configs(self, user_id: UserId) -> tuple[SyncConfig, ...]:
        """Reads every config of a person."""
        return tuple(_decode(item, _CONFIG) for item in await self._load_all(user_id, keys.CONFIG_PREFIX))

    async def load_configs_of(self, user_id: UserId, connection_id: ConnectionId) -> tuple[SyncConfig, ...]:
        """Reads the configs that depend on a connection, on either side."""
        configs = await self.load_configs(user_id)
        return tuple(each for each in configs if connection_id in _ends_of(each))

    async def load_config(self, user_id: UserId, config_id: str) -> SyncConfig | None:
        """Reads a config by the id that REST uses; None where there is none, it is another user's, or it is no id."""
        key = _config_key_or_none(user_id, config_id)
        item = None if key is None else await self._items.get(key)
        return None if item is None else _decode(item, _CONFIG)

    async def load_owner(self, provider: str, external_user_id: str) -> ExternalOwner | None:
        """Reads strongly who an external account belongs to."""
        item = await self._items.get(keys.external_owner(provider, external_user_id))
        return None if item is None else replace(_OWNER.decode(item.body), version=item.version)

    async def save_connection(self, connection: Connection) -> None:
        """Writes one connection.

        Raises:
            VersionConflictError: the row was changed since it was read.
            StoreUnavailableError: nothing was written.
        """
        try:
            await self._items.transact([connection_put(connection)])
        except ConditionFailedError as exc:
            raise VersionConflictError("the connection was changed meanwhile; read it again") from exc
        except OutcomeUnknownError:
            if await self.load_connection(connection.user_id, connection.connection_id) != connection:
                raise

    async def save_config(self, config: SyncConfig) -> None:
        """Writes one config; with version 1 there must be none for this pair and type yet.

        Raises:
            VersionConflictError: the row was changed since it was read, or exists already.
            StoreUnavailableError: nothing was written.
        """
        try:
            await self._items.transact([config_put(config)])
        except ConditionFailedError as exc:
            raise VersionConflictError("the sync config was changed meanwhile; read it again") from exc
        except OutcomeUnknownError:
            if await self.load_config(config.user_id, config.config_id) != config:
                raise

    async def delete_config(self, config: SyncConfig) -> None:
        """Removes `config` as it was read.

        Raises:
            VersionConflictError: it was changed or removed since.
            StoreUnavailableError: nothing was removed.
        """
        try:
            await self._items.transact([config_delete(config)])
        except ConditionFailedError as exc:
            raise VersionConflictError("the sync config was changed meanwhile; read it again") from exc
        except OutcomeUnknownError:
            if await self.load_config(config.user_id, config.config_id) is not None:
                raise

    async def _load_all(self, user_id: UserId, prefix: str) -> Sequence[Item]:
        found: list[Item] = []
        cursor: str | None = None
        while True:
            page = await self._items.query(
                keys.user_partition(user_id), sort_prefix=prefix, limit=PAGE_ITEMS, cursor=cursor
            )
            found.extend(page.items)
            cursor = page.cursor
            if cursor is None:
                return found


def connection_put(connection: Connection) -> Put:
    """Returns the write of a connection; it enters the re-authentication index only while it needs the person."""
    needs_person = connection.status is ConnectionStatus.NEEDS_REAUTH
    item = Item(
        keys.connection(connection.user_id, connection.connection_id),
        msgspec.msgpack.encode(connection),
        version=connection.version,
        reauth=REAUTH_PENDING if needs_person else None,
    )
    return Put(item, replaces(connection.version))


def config_put(config: SyncConfig) -> Put:
    """Returns the write of a config."""
    item = Item(keys.sync_config(config), msgspec.msgpack.encode(config), version=config.version)
    return Put(item, replaces(config.version))


def config_delete(config: SyncConfig) -> Delete:
    """Returns the removal of a config as it was read."""
    return Delete(keys.sync_config(config), VersionEquals(config.version))


def owner_put(owner: ExternalOwner) -> Put:
    """Returns the write that takes an external account for one connection."""
    key = keys.external_owner(owner.provider, owner.external_user_id)
    return Put(Item(key, msgspec.msgpack.encode(owner), version=owner.version), replaces(owner.version))


def owner_delete(owner: ExternalOwner) -> Delete:
    """Returns the write that lets an external account go."""
    return Delete(keys.external_owner(owner.provider, owner.external_user_id), VersionEquals(owner.version))


def replaces(version: int) -> Condition:
    """Returns the condition under which a row of `version` may be written."""
    return Absent() if version == 1 else VersionEquals(version - 1)


_CONNECTION = msgspec.msgpack.Decoder(Connection)
_CONFIG = msgspec.msgpack.Decoder(SyncConfig)
_OWNER = msgspec.msgpack.Decoder(ExternalOwner)


def _decode(item: Item, decoder: msgspec.msgpack.Decoder[RowT]) -> RowT:
    return replace(decoder.decode(item.body), version=item.version)


def _ends_of(config: SyncConfig) -> tuple[ConnectionId, ConnectionId]:
    return config.source_connection_id, config.destination_connection_id


def _key_or_none(user_id: UserId, connection_id: ConnectionId) -> Key | None:
    try:
        return keys.connection(user_id, connection_id)
    except ValueError:  # a foreign text that can be no id of ours
        return None


def _config_key_or_none(user_id: UserId, config_id: str) -> Key | None:
    source, _, rest = config_id.partition("--")
    destination, _, data_type = rest.partition("--")
    try:
        return keys.sync_config_of(user_id, ConnectionId(source), ConnectionId(destination), DataType(data_type))
    except ValueError:  # a foreign text that can be no id of ours
        return None
