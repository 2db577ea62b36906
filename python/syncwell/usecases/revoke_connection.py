"""Ends a connection at once; its end at the provider follows from an outbox row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from syncwell.domain.connections import Connection, ConnectionStatus, SyncConfig
from syncwell.domain.errors import ConditionFailedError, NotFoundError, OutcomeUnknownError, VersionConflictError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.history import History
from syncwell.ports.item_store import TRANSACTION_WRITES_MAX, ItemStore, Write
from syncwell.repositories.accounts import Accounts, config_delete, connection_put, owner_delete
from syncwell.repositories.grants import GrantRow, Grants, grant_delete
from syncwell.repositories.revocations import revocation_of, revocation_put
from syncwell.usecases.connection_events import ConnectionEvents
from syncwell.usecases.recorded_step import recorded

ATTEMPTS_MAX = 5  # rivals are a refresh, a confirmation and changes of configs
# A consent under way may be about to take the account over, and its grant would end with this one at many providers:
# by then it is stored, and seen.
DROP_GRACE = timedelta(minutes=1)
CORE_WRITES = 5  # connection, grant, revocation, owner, event


class RevokeConnection:
    """Writes the tombstone."""

    def __init__(
        self,
        items: ItemStore,
        accounts: Accounts,
        grants: Grants,
        *,
        events: ConnectionEvents,
        clock: Clock,
        history: History,
    ) -> None:
        self._items = items
        self._accounts = accounts
        self._grants = grants
        self._events = events
        self._clock = clock
        self._history = history

    async def run(self, user_id: UserId, connection_id: ConnectionId, *, is_ended_there: bool = False) -> None:
        """Returns when no new access token can be had; ending a connection twice succeeds.

        Where its owner has ended it at the provider already (`is_ended_there`), the provider is not called again.

        Raises:
            NotFoundError: no such connection of this user.
            StoreUnavailableError: nothing was ended.
            OutcomeUnknownError: it may be ended; call again.
        """
        with recorded(self._history, "connection.revoke", user=user_id, connection=connection_id) as learnt:
            learnt["generation"] = await self._revoke(user_id, connection_id, is_ended_there=is_ended_there)

    async def drop_pending(self, connection: Connection, row: GrantRow | None) -> None:
        """Ends a connection that its person did not confirm, with its grant as it was read.

        Raises:
            VersionConflictError: connection or grant was changed since it was read; nothing was ended.
            StoreUnavailableError: nothing was ended.
            OutcomeUnknownError: it may be ended.
        """
        user_id, connection_id = connection.user_id, connection.connection_id
        with recorded(self._history, "connection.revoke", user=user_id, connection=connection_id) as learnt:
            configs = await self._accounts.load_configs_of(user_id, connection_id)
            tombstone = _tombstone_of(connection)
            if not await self._commit(
                await self._writes(connection, tombstone, configs, row, grace=DROP_GRACE), tombstone
            ):
                raise VersionConflictError("the connection was changed meanwhile; read it again")
            await self._delete_rest(configs[TRANSACTION_WRITES_MAX - CORE_WRITES :])
            learnt["generation"] = tombstone.generation

    async def _revoke(self, user_id: UserId, connection_id: ConnectionId, *, is_ended_there: bool) -> int:
        for _ in range(ATTEMPTS_MAX):
            connection = await self._accounts.load_connection(user_id, connection_id)
            if connection is None:
                raise NotFoundError("there is no such connection")
            configs = await self._accounts.load_configs_of(user_id, connection_id)
            if connection.status is ConnectionStatus.REVOKED:
                await self._delete_rest(configs)
                return connection.generation
            tombstone = _tombstone_of(connection)
            row = await self._grants.load(connection_id)
            writes = await self._writes(connection, tombstone, configs, row, is_ended_there=is_ended_there)
            if await self._commit(writes, tombstone):
                await self._delete_rest(configs[TRANSACTION_WRITES_MAX - CORE_WRITES :])
                return tombstone.generation
        raise VersionConflictError("the connection keeps changing; try again")

    async def _writes(
        self,
        connection: Connection,
        tombstone: Connection,
        configs: Sequence[SyncConfig],
        row: GrantRow | None,
        *,
        grace: timedelta = timedelta(0),
        is_ended_there: bool = False,
    ) -> Sequence[Write]:
        writes: list[Write] = [connection_put(tombstone)]
        if row is not None:
            due_at_ms = self._clock.now_ms() + grace // timedelta(milliseconds=1)
            outbox_row = revocation_of(connection, row.sealed, now_ms=due_at_ms)
            writes += [grant_delete(row)] if is_ended_there else [grant_delete(row), revocation_put(outbox_row)]
        owner = await self._accounts.load_owner(connection.provider, connection.external_user_id)
        if owner is not None and owner.connection_id == connection.connection_id:
            writes.append(owner_delete(owner))
        return writes + [config_delete(config) for config in configs[: TRANSACTION_WRITES_MAX - CORE_WRITES]]

    async def _commit(self, writes: Sequence[Write], tombstone: Connection) -> bool:
        event = self._events.event_of(tombstone)
        try:
            await self._items.transact([*writes, self._events.put(event)])
        except ConditionFailedError:
            return False
        except OutcomeUnknownError:
            if await self._accounts.load_connection(tombstone.user_id, tombstone.connection_id) != tombstone:
                return False
        await self._events.publish(event)
        return True

    async def _delete_rest(self, configs: Sequence[SyncConfig]) -> None:
        """Removes what did not fit beside the tombstone; jobs of these configs fail on it anyway."""
        for start in range(0, len(configs), TRANSACTION_WRITES_MAX):
            batch = configs[start : start + TRANSACTION_WRITES_MAX]
            await self._items.write_each([config_delete(config) for config in batch])


def _tombstone_of(connection: Connection) -> Connection:
    return replace(
        connection,
        status=ConnectionStatus.REVOKED,
        generation=connection.generation + 1,
        version=connection.version + 1,
    )
