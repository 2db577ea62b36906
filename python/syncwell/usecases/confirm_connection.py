"""The app confirms a pending connection: only then may it be used."""

from __future__ import annotations

from dataclasses import replace

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import ConflictError, NotFoundError, VersionConflictError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.history import History
from syncwell.repositories.accounts import Accounts
from syncwell.usecases.recorded_step import recorded

ATTEMPTS_MAX = 3  # rivals are the same person's second tap and a callback


class ConfirmConnection:
    """Turns pending into active, for the owner alone."""

    def __init__(self, accounts: Accounts, history: History) -> None:
        self._accounts = accounts
        self._history = history

    async def run(self, user_id: UserId, connection_id: ConnectionId) -> Connection:
        """Returns the active connection; confirming twice succeeds.

        Raises:
            NotFoundError: no such connection of this user, or it was revoked.
            ConflictError: the grant is gone; the person must connect again first.
            StoreUnavailableError: nothing was changed.
        """
        with recorded(self._history, "connection.confirm", user=user_id, connection=connection_id) as learnt:
            active = await self._confirm(user_id, connection_id)
            learnt["generation"] = active.generation
        return active

    async def _confirm(self, user_id: UserId, connection_id: ConnectionId) -> Connection:
        for _ in range(ATTEMPTS_MAX):
            connection = await self._accounts.load_connection(user_id, connection_id)
            if connection is None or connection.status is ConnectionStatus.REVOKED:
                raise NotFoundError("there is no such connection")
            if connection.status is ConnectionStatus.NEEDS_REAUTH:
                raise ConflictError("the provider has ended this grant; connect the account again")
            if connection.status is ConnectionStatus.ACTIVE:
                return connection
            active = replace(connection, status=ConnectionStatus.ACTIVE, version=connection.version + 1)
            try:
                await self._accounts.save_connection(active)
            except VersionConflictError:
                continue
            return active
        raise VersionConflictError("the connection keeps changing; try again")
