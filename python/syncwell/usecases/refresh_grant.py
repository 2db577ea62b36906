"""One refresh of one grant (design D8): claim, one call, persist, and only then use.

The claim is a compare-and-set on the grant row with a lease. A refresh whose outcome nobody knows leaves the row
AMBIGUOUS: the old refresh token may be dead, so it is sent once more at most, and then only the person can help.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    ConditionFailedError,
    NotFoundError,
    OutcomeUnknownError,
    ProviderError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
    SecretStoreUnavailableError,
    UnavailableError,
)
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.item_store import ItemStore, Write
from syncwell.ports.roles import ProviderRegistry, TokenGrant
from syncwell.repositories.accounts import Accounts, connection_put
from syncwell.repositories.grants import GrantRow, Grants, GrantState, grant_delete, grant_put
from syncwell.repositories.revocations import Revocations, revocation_of
from syncwell.usecases.begin_authorization import RandomBytes, oauth_of
from syncwell.usecases.connection_events import ConnectionEvents

log = structlog.get_logger()

PERSIST_ATTEMPTS_MAX = 8
PERSIST_PAUSE = timedelta(milliseconds=250)  # with the attempts: 2 s, well inside the lease
HOLDER_BYTES = 8
# A provider that says so has not touched the grant; a gateway time-out (502, 504) says nothing.
HARMLESS_STATUSES = frozenset({"500", "503"})


@dataclass(frozen=True, slots=True)
class RefreshTimes:
    """How long things may take; `lease` covers the call and the persisting after it."""

    call: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=45)
    pause: timedelta = timedelta(seconds=30)  # after a failed attempt, before the next


class RefreshGrant:
    """Refreshes once for whoever claims first; others learn that they were not first."""

    def __init__(
        self,
        items: ItemStore,
        accounts: Accounts,
        *,
        grants: Grants,
        revocations: Revocations,
        events: ConnectionEvents,
        providers: ProviderRegistry,
        clock: Clock,
        random_bytes: RandomBytes,
        crash_points: CrashPoints,
        history: History,
        times: RefreshTimes,
    ) -> None:
        self._items = items
        self._accounts = accounts
        self._grants = grants
        self._revocations = revocations
        self._events = events
        self._providers = providers
        self._clock = clock
        self._random_bytes = random_bytes
        self._crash_points = crash_points
        self._history = history
        self._times = times

    async def run(self, row: GrantRow) -> GrantRow | None:
        """Returns the row of the next generation, or None where the row tells what is next: read it again.

        None comes where somebody else was first, and where the provider did not serve.

        Raises:
            ReauthenticationNeededError: the provider has ended the grant; the connection says so now.
            SecretStoreUnavailableError: the key store did not serve, or the new grant could not be stored.
            StoreUnavailableError: the store did not serve.
            NotFoundError: the connection was revoked meanwhile.
        """
        grant = await self._grants.open(row)
        claimed = await self._claim(row)
        if claimed is None:
            return None
        self._record(Op.INVOKE, claimed)
        try:
            fresh = await self._call(claimed, grant)
        except ReauthenticationNeededError:
            self._record(Op.FAIL, claimed)
            if not await self.end(claimed):
                return None
            raise
        except ProviderError as exc:
            await self._step_back(row, claimed, exc)
            return None
        self._crash_points.reach("credentials.before_persist")
        stored = await self._persist(claimed, fresh)
        self._crash_points.reach("credentials.after_persist")
        return stored

    async def end(self, row: GrantRow) -> bool:
        """Marks the connection as needing its person and forgets the grant; False where `row` was changed meanwhile."""
        for _ in range(PERSIST_ATTEMPTS_MAX):
            connection = await self._accounts.load_connection(row.user_id, row.connection_id)
            if connection is None or connection.status is not ConnectionStatus.ACTIVE:
                return False
            marked = replace(connection, status=ConnectionStatus.NEEDS_REAUTH, version=connection.version + 1)
            event = self._events.event_of(marked)
            writes: list[Write] = [connection_put(marked), grant_delete(row), self._events.put(event)]
            if await self._commit(writes, lambda found: found is None, row):
                await self._events.publish(event)
                return True
            if await self._grants.load(row.connection_id) != row:
                return False
        return False

    async def _claim(self, row: GrantRow) -> GrantRow | None:
        is_repetition = row.state is not GrantState.STABLE
        claimed = replace(
            row,
            state=GrantState.REFRESHING,
            busy_until_ms=self._after(self._times.lease),
            retry_count=row.retry_count + is_repetition,
            holder=self._random_bytes(HOLDER_BYTES).hex(),
            version=row.version + 1,
        )
        return claimed if await self._commit([grant_put(claimed)], lambda found: found == claimed, claimed) else None

    async def _call(self, row: GrantRow, grant: TokenGrant) -> TokenGrant:
        oauth = oauth_of(self._providers, row.provider)
        try:
            async with asyncio.timeout(self._times.call.total_seconds()):
                fresh = await oauth.refresh(grant.refresh_token)
        except TimeoutError as exc:
            raise ProviderUnavailableError("no answer to a token refresh in time", provider=row.provider) from exc
        # Google and others answer without a refresh token where the old one stays good.
        return replace(fresh, refresh_token=fresh.refresh_token or grant.refresh_token)

    async def _step_back(self, before: GrantRow, claimed: GrantRow, error: ProviderError) -> None:
        """Writes what is known after a refresh that brought no tokens; a failure to write leaves the lease to end."""
        is_harmless = _did_nothing(error)
        log.warning("refresh_failed", provider=claimed.provider, reason=error.code, is_outcome_known=is_harmless)
        self._record(Op.FAIL if is_harmless else Op.INFO, claimed)
        was_stable = before.state is GrantState.STABLE
        pause = error.retry_after if isinstance(error, ProviderThrottledError) else self._times.pause
        after = replace(
            claimed,
            state=GrantState.STABLE if is_harmless and was_stable else GrantState.AMBIGUOUS,
            busy_until_ms=self._after(max(pause, timedelta(seconds=1))),
            retry_count=before.retry_count if is_harmless else claimed.retry_count,
            version=claimed.version + 1,
        )
        try:
            await self._items.transact([grant_put(after)])
        except (ConditionFailedError, OutcomeUnknownError, UnavailableError):
            return

    async def _persist(self, claimed: GrantRow, fresh: TokenGrant) -> GrantRow | None:
        """Stores what exists nowhere else by now, against every rival that does not hold something newer."""
        for attempt in range(PERSIST_ATTEMPTS_MAX):
            try:
                connection = await self._accounts.load_connection(claimed.user_id, claimed.connection_id)
                if connection is None:
                    raise NotFoundError("the connection was erased")
                if connection.status is ConnectionStatus.REVOKED:
                    await self._give_up(connection, fresh)
                    raise NotFoundError("the connection was ended")
                if connection.generation != claimed.generation:
                    return None  # connected anew meanwhile: that grant is the newer one
                row = await self._store(connection, fresh)
            except UnavailableError:
                if attempt == PERSIST_ATTEMPTS_MAX - 1:
                    raise
                await self._clock.sleep(PERSIST_PAUSE)
                continue
            if row is not None:
                self._record(Op.OK, replace(row, holder=claimed.holder))
                return row
        raise SecretStoreUnavailableError("the refreshed access could not be stored; try again later")

    async def _store(self, connection: Connection, fresh: TokenGrant) -> GrantRow | None:
        present = await self._grants.load(connection.connection_id)
        risen = replace(
            connection,
            status=ConnectionStatus.ACTIVE,
            generation=connection.generation + 1,
            version=connection.version + 1,
        )
        version = 1 if present is None else present.version + 1
        row = await self._grants.seal(risen, fresh, now_ms=self._clock.now_ms(), version=version)
        # Only a new state is news: a connection that a rival had given up is active again.
        events = [self._events.event_of(risen)] if connection.status is not ConnectionStatus.ACTIVE else []
        writes = [connection_put(risen), grant_put(row), *map(self._events.put, events)]
        # Settles: a rival refresher after our lease (row), a new consent, a confirmation, an end (connection).
        if not await self._commit(writes, lambda found: found == row, row):
            return None
        for event in events:
            await self._events.publish(event)
        return row

    async def _give_up(self, connection: Connection, fresh: TokenGrant) -> None:
        """Puts the newest tokens into the outbox of ended grants: the older ones there may be dead."""
        sealed = await self._grants.seal_for(connection.user_id, connection.connection_id, fresh)
        first = revocation_of(connection, sealed, now_ms=self._clock.now_ms())
        for _ in range(PERSIST_ATTEMPTS_MAX):  # the rival is a sweep at work on the same row
            waiting = await self._revocations.load(connection.connection_id)
            newest = first if waiting is None else replace(first, version=waiting.version + 1)
            if await self._revocations.save(newest):
                return
        log.warning("revocation_not_queued", provider=connection.provider)

    async def _commit(self, writes: Sequence[Write], is_ours: Callable[[GrantRow | None], bool], row: GrantRow) -> bool:
        """Returns whether `writes` were done; where the answer was lost the grant row tells."""
        try:
            await self._items.transact(writes)
        except ConditionFailedError:
            return False
        except OutcomeUnknownError:
            return is_ours(await self._grants.load(row.connection_id))
        return True

    def _after(self, duration: timedelta) -> int:
        return self._clock.now_ms() + int(duration.total_seconds() * 1000)

    def _record(self, op: Op, row: GrantRow) -> None:
        self._history.record(
            op,
            "token.refresh",
            user=row.user_id,
            connection=row.connection_id,
            generation=row.generation,
            attempt=row.retry_count,
            holder=row.holder,
        )


def _did_nothing(error: ProviderError) -> bool:
    """True where the provider surely kept the grant as it was."""
    if isinstance(error, ProviderThrottledError | ProviderRefusedError):
        return True
    if isinstance(error, ProviderInvalidAnswerError):
        return False
    return error.fields.get("status") in HARMLESS_STATUSES
