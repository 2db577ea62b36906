"""The app confirms a pending connection with the browser's code: only then may it be used.

The code was shown in the browser that allowed the access. Whoever sends a consent link to somebody else never sees it,
so that nobody can link another person's account to their own user.
"""

from __future__ import annotations

from dataclasses import replace

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    ConditionFailedError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
    VersionConflictError,
)
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.history import History
from syncwell.ports.item_store import ItemStore
from syncwell.repositories.accounts import Accounts, connection_put
from syncwell.repositories.grants import Confirmation, GrantRow, Grants, grant_put
from syncwell.usecases.connection_events import ConnectionEvents
from syncwell.usecases.recorded_step import recorded
from syncwell.usecases.revoke_connection import RevokeConnection

WRONG_TRIES_MAX = 5
ATTEMPTS_MAX = WRONG_TRIES_MAX + 2  # rivals are the same person's other tries, a second tap and a callback


class ConfirmConnection:
    """Turns pending into active, for the owner who knows the code alone."""

    def __init__(
        self,
        items: ItemStore,
        accounts: Accounts,
        grants: Grants,
        *,
        revoke: RevokeConnection,
        events: ConnectionEvents,
        clock: Clock,
        history: History,
    ) -> None:
        self._items = items
        self._accounts = accounts
        self._grants = grants
        self._revoke = revoke
        self._events = events
        self._clock = clock
        self._history = history

    async def run(self, user_id: UserId, connection_id: ConnectionId, code: str) -> Connection:
        """Returns the active connection; confirming twice succeeds.

        The fifth wrong code, and any code that comes too late, ends the connection and its grant.

        Raises:
            InvalidInputError: there is no code.
            NotFoundError: no such connection of this user, it was revoked or not confirmed in time, or a wrong code.
            ConflictError: the grant is gone; the person must connect again first.
            StoreUnavailableError: nothing was changed.
        """
        if not code:
            raise InvalidInputError("the code from the browser's page is missing", field="confirmationCode")
        with recorded(self._history, "connection.confirm", user=user_id, connection=connection_id) as learnt:
            active = await self._confirm(user_id, connection_id, code)
            learnt["generation"] = active.generation
        return active

    async def _confirm(self, user_id: UserId, connection_id: ConnectionId, code: str) -> Connection:
        for _ in range(ATTEMPTS_MAX):
            connection = await self._accounts.load_connection(user_id, connection_id)
            if connection is None or connection.status is ConnectionStatus.REVOKED:
                raise NotFoundError("there is no such connection")
            if connection.status is ConnectionStatus.NEEDS_REAUTH:
                raise ConflictError("the provider has ended this grant; connect the account again")
            if connection.status is ConnectionStatus.ACTIVE:
                return connection
            row = await self._grants.load(connection_id)
            try:
                return await self._try(connection, row, code)
            except (ConditionFailedError, VersionConflictError):
                continue  # another try or a new consent came between: it is counted, or brought another code
        raise VersionConflictError("the connection keeps changing; try again")

    async def _try(self, connection: Connection, row: GrantRow | None, code: str) -> Connection:
        confirmation = None if row is None else row.confirmation
        if row is None or confirmation is None or confirmation.is_over(self._clock.now_ms()):
            await self._revoke.drop_pending(connection, row)
            raise NotFoundError("the connection was not confirmed in time; connect the account again")
        if confirmation.fits(code):
            return await self._activate(connection, row)
        await self._count_wrong(connection, row, confirmation)
        raise NotFoundError("no connection waits for this code")

    async def _activate(self, connection: Connection, row: GrantRow) -> Connection:
        active = replace(connection, status=ConnectionStatus.ACTIVE, version=connection.version + 1)
        spent = replace(row, confirmation=None, version=row.version + 1)
        event = self._events.event_of(active)
        try:
            # Settles: a wrong try that is counted at the same moment, a new consent (row), an end (connection).
            await self._items.transact([connection_put(active), grant_put(spent), self._events.put(event)])
        except OutcomeUnknownError:
            if await self._accounts.load_connection(active.user_id, active.connection_id) != active:
                raise
        await self._events.publish(event)
        return active

    async def _count_wrong(self, connection: Connection, row: GrantRow, confirmation: Confirmation) -> None:
        """Counts before anything is answered, so that tries that come together are counted each."""
        wrong_count = confirmation.wrong_count + 1
        if wrong_count >= WRONG_TRIES_MAX:
            await self._revoke.drop_pending(connection, row)
            return
        counted = replace(row, confirmation=replace(confirmation, wrong_count=wrong_count), version=row.version + 1)
        await self._items.transact([grant_put(counted)])
