"""Makes, changes and removes sync configs: the standing wishes of a person."""

from __future__ import annotations

from dataclasses import dataclass, replace

from syncwell.domain.connections import Connection, ConnectionStatus, SyncConfig
from syncwell.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedPairError,
    VersionConflictError,
)
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.resolution import Strategy
from syncwell.ports.roles import Provider, ProviderRegistry
from syncwell.repositories.accounts import Accounts


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What may change in a config; `version` is the one that the caller read."""

    strategy: Strategy
    is_enabled: bool
    propagates_deletes: bool
    version: int


class KeepSyncConfigs:
    """Every config names two live connections of its owner that can carry its data type."""

    def __init__(self, accounts: Accounts, registry: ProviderRegistry) -> None:
        self._accounts = accounts
        self._registry = registry

    async def create(self, wanted: SyncConfig) -> SyncConfig:
        """Stores a new config, version 1; making the very same one again finds it.

        Raises:
            InvalidInputError: both sides are the same connection.
            NotFoundError: a connection is not there or not the user's.
            UnsupportedPairError: the providers cannot serve it; the message says why.
            ConflictError: this pair and type has another config already.
        """
        if wanted.source_connection_id == wanted.destination_connection_id:
            raise InvalidInputError("source and destination are the same connection", field="destinationConnectionId")
        source = await self._live(wanted.user_id, wanted.source_connection_id, "sourceConnectionId")
        destination = await self._live(wanted.user_id, wanted.destination_connection_id, "destinationConnectionId")
        if (source.provider, source.external_user_id) == (destination.provider, destination.external_user_id):
            raise UnsupportedPairError("source and destination are the same account", field="destinationConnectionId")
        self._require_served(wanted, self._registry.get(source.provider), self._registry.get(destination.provider))
        try:
            await self._accounts.save_config(wanted)
        except VersionConflictError as exc:
            stored = await self._accounts.load_config(wanted.user_id, wanted.config_id)
            if stored != wanted:  # an equal one is what a crash left of this very request
                raise ConflictError("this pair has a sync config already; change that one") from exc
        return wanted

    async def change(self, user_id: UserId, config_id: str, change: ConfigChange) -> SyncConfig:
        """Stores the changed config with its next version.

        Raises:
            NotFoundError: no such config of this user.
            VersionConflictError: it was changed since `change.version` was read.
            UnsupportedPairError: the destination cannot delete.
        """
        stored = await self.load(user_id, config_id)
        if stored.version != change.version:
            raise VersionConflictError(
                "the sync config was changed meanwhile; read it again", version=str(stored.version)
            )
        wanted = replace(
            stored,
            strategy=change.strategy,
            is_enabled=change.is_enabled,
            propagates_deletes=change.propagates_deletes,
            version=stored.version + 1,
        )
        destination = await self._live(user_id, stored.destination_connection_id, "destinationConnectionId")
        _require_deletes(wanted, self._registry.get(destination.provider))
        await self._accounts.save_config(wanted)
        return wanted

    async def remove(self, user_id: UserId, config_id: str) -> None:
        """Removes a config.

        Raises:
            NotFoundError: no such config of this user.
            VersionConflictError: somebody changed it at this very moment.
        """
        await self._accounts.delete_config(await self.load(user_id, config_id))

    async def load(self, user_id: UserId, config_id: str) -> SyncConfig:
        """Returns a config.

        Raises:
            NotFoundError: no such config of this user.
        """
        stored = await self._accounts.load_config(user_id, config_id)
        if stored is None:
            raise NotFoundError("there is no such sync config")
        return stored

    async def _live(self, user_id: UserId, connection_id: ConnectionId, field: str) -> Connection:
        connection = await self._accounts.load_connection(user_id, connection_id)
        if connection is None or connection.status is ConnectionStatus.REVOKED:
            raise NotFoundError("there is no such connection", field=field)
        return connection

    def _require_served(self, wanted: SyncConfig, source: Provider, destination: Provider) -> None:
        if source.source is None or wanted.data_type not in source.capabilities.readable:
            name = source.capabilities.provider
            raise UnsupportedPairError(f"{name} cannot be read for {wanted.data_type}", field="sourceConnectionId")
        if destination.destination is None or wanted.data_type not in destination.capabilities.writable:
            name = destination.capabilities.provider
            raise UnsupportedPairError(
                f"{name} cannot be written for {wanted.data_type}", field="destinationConnectionId"
            )
        _require_deletes(wanted, destination)


def _require_deletes(wanted: SyncConfig, destination: Provider) -> None:
    if wanted.propagates_deletes and not destination.capabilities.can_delete:
        name = destination.capabilities.provider
        raise UnsupportedPairError(f"{name} cannot delete records", field="deletes")
