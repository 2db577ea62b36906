"""Hands out an access token that is good now, refreshing at most once for all who ask."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto

import structlog

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import NotFoundError, ReauthenticationNeededError, SecretStoreUnavailableError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.ports.tokens import AccessToken
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.grants import GrantRow, Grants, GrantState
from syncwell.usecases.refresh_grant import RefreshGrant
from syncwell.usecases.single_flight import SingleFlight
from syncwell.usecases.token_cache import TokenCache

MARGIN = timedelta(minutes=5)  # a job that starts now should not meet the end of its token
WAIT_MAX = timedelta(seconds=25)  # callers wait 30 s; they shall hear from us first
POLL_PAUSE = timedelta(milliseconds=100)  # between looks at a refresh that another process makes
ROUNDS_MAX = 4  # a flight may bring the very generation that this caller saw rejected


log = structlog.get_logger()


class Step(Enum):
    """What to do about a grant row."""

    USE = auto()
    WAIT = auto()
    REFRESH = auto()
    DEFER = auto()
    GIVE_UP = auto()


class IssueAccessToken:
    """The road to every access token. Call `drain` before the process ends."""

    def __init__(
        self,
        accounts: Accounts,
        grants: Grants,
        *,
        refresh: RefreshGrant,
        cache: TokenCache,
        clock: Clock,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._accounts = accounts
        self._grants = grants
        self._refresh = refresh
        self._cache = cache
        self._clock = clock
        self._metrics = metrics
        self._flights: SingleFlight[AccessToken] = SingleFlight()

    async def run(
        self, user_id: UserId, connection_id: ConnectionId, *, rejected_generation: int | None = None
    ) -> AccessToken:
        """Returns a token of an active connection; never one of `rejected_generation`.

        Raises:
            NotFoundError: no such connection of this user, or it is not confirmed yet, or it was revoked.
            ReauthenticationNeededError: the grant is gone.
            SecretStoreUnavailableError: the provider, the key store or another refresher did not serve in time.
        """
        for _ in range(ROUNDS_MAX):
            connection = await self._load_active(user_id, connection_id)
            cached = self._cache.get(user_id, connection_id)
            if cached is not None and self._is_present(cached, connection, rejected_generation):
                return cached
            token = await self._flights.join(
                connection_id, lambda: self._fetch(user_id, connection_id, rejected_generation)
            )
            if token.generation != rejected_generation:
                return token
        raise SecretStoreUnavailableError("this connection is being refreshed; try again")

    async def drain(self) -> None:
        """Waits until no refresh is under way."""
        await self._flights.drain()

    async def _fetch(self, user_id: UserId, connection_id: ConnectionId, rejected: int | None) -> AccessToken:
        until_ms = self._clock.now_ms() + int(WAIT_MAX.total_seconds() * 1000)
        while self._clock.now_ms() < until_ms:
            row = await self._grants.load(connection_id)
            if row is None or row.user_id != user_id:
                await self._load_active(user_id, connection_id)  # says why there is no grant
                raise NotFoundError("there is no grant of this connection")
            match next_step(row, self._clock.now_ms(), rejected):
                case Step.USE:
                    return await self._open(row)
                case Step.WAIT:
                    await self._clock.sleep(POLL_PAUSE)
                case Step.REFRESH:
                    stored = await self._refresh_once(row)
                    if stored is not None:
                        return await self._open(stored)
                case Step.GIVE_UP:
                    if await self._refresh.end(row):
                        raise _gone(row.provider)
                case Step.DEFER:
                    raise SecretStoreUnavailableError(
                        "the provider did not refresh the access lately; try again later", provider=row.provider
                    )
        raise SecretStoreUnavailableError("another refresh did not end in time; try again")

    async def _refresh_once(self, row: GrantRow) -> GrantRow | None:
        outcome = "failed"
        try:
            stored = await self._refresh.run(row)
            outcome = "not_refreshed" if stored is None else "refreshed"
        except ReauthenticationNeededError:
            outcome = "ended"
            raise
        finally:
            self._metrics.count(Metric.TOKEN_REFRESHES, provider=row.provider, outcome=outcome)
        return stored

    async def _open(self, row: GrantRow) -> AccessToken:
        grant = await self._grants.open(row)
        token = AccessToken(grant.access_token, row.generation, row.expires_at_ms)
        self._cache.put(row.user_id, row.connection_id, token)
        log.debug("access_token_opened", provider=row.provider, generation=row.generation)
        return token

    async def _load_active(self, user_id: UserId, connection_id: ConnectionId) -> Connection:
        connection = await self._accounts.load_connection(user_id, connection_id)
        if connection is not None and connection.status is ConnectionStatus.ACTIVE:
            return connection
        self._cache.drop(user_id, connection_id)
        if connection is not None and connection.status is ConnectionStatus.NEEDS_REAUTH:
            raise _gone(connection.provider)
        raise NotFoundError("there is no such connection in use")

    def _is_present(self, token: AccessToken, connection: Connection, rejected: int | None) -> bool:
        is_newest = token.generation == connection.generation
        has_time = token.expires_at_ms - self._clock.now_ms() > MARGIN.total_seconds() * 1000
        return is_newest and has_time and token.generation != rejected


def next_step(row: GrantRow, now_ms: int, rejected: int | None) -> Step:
    """Decides what to do about a row; see the states in `repositories.grants`."""
    is_refused = row.generation == rejected
    is_busy = now_ms < row.busy_until_ms
    has_time = now_ms + margin_ms(row) < row.expires_at_ms
    is_alive = now_ms < row.expires_at_ms
    if row.state is GrantState.STABLE and has_time and not is_refused:
        return Step.USE
    if row.state is GrantState.REFRESHING and is_busy:
        return Step.WAIT
    if is_busy:  # the last attempt failed: what is left of the old token serves until the next
        return Step.USE if is_alive and not is_refused else Step.DEFER
    if row.state is GrantState.STABLE or row.retry_count == 0:
        return Step.REFRESH
    return Step.GIVE_UP


def margin_ms(row: GrantRow) -> int:
    """Returns how long before its end a token is renewed; half the life of tokens that live very briefly."""
    life_ms = row.expires_at_ms - row.issued_at_ms
    return min(int(MARGIN.total_seconds() * 1000), max(0, life_ms // 2))


def _gone(provider: str) -> ReauthenticationNeededError:
    return ReauthenticationNeededError(
        "the provider has ended this grant; connect the account again", provider=provider
    )
