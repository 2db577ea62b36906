"""Ends given-up grants at their providers: an outbox worked off with bounded attempts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import structlog

from syncwell.domain.backoff import Backoff
from syncwell.domain.errors import (
    InvalidInputError,
    NotFoundError,
    ProviderError,
    ProviderRefusedError,
    ReauthenticationNeededError,
)
from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.ports.roles import ProviderRegistry, TokenGrant
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.grants import Grants
from syncwell.repositories.revocations import Revocation, Revocations
from syncwell.usecases.begin_authorization import oauth_of

log = structlog.get_logger()

BATCH_MAX = 20
ATTEMPTS_MAX = 12  # with the back-off below about half a day, longer than most outages
BACKOFF = Backoff(base=timedelta(seconds=30), cap=timedelta(hours=2))


@dataclass(frozen=True, slots=True)
class RevocationTimes:
    """How long things may take. `lease` keeps other processes away and covers both calls."""

    call: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=60)
    backoff: Backoff = BACKOFF


class EndGrants:
    """Calls each provider until it has ended the grant, or gives up with a log line."""

    def __init__(
        self,
        revocations: Revocations,
        grants: Grants,
        accounts: Accounts,
        *,
        providers: ProviderRegistry,
        clock: Clock,
        random: Random,
        history: History,
        times: RevocationTimes,
    ) -> None:
        self._revocations = revocations
        self._grants = grants
        self._accounts = accounts
        self._providers = providers
        self._clock = clock
        self._random = random
        self._history = history
        self._times = times

    async def run(self) -> int:
        """Makes one attempt at each grant that is due, one after the other; returns how many those were.

        Raises:
            StoreUnavailableError: what is left stays due.
            SecretStoreUnavailableError: likewise.
        """
        attempt_count = 0
        for found in await self._revocations.load_due(now_ms=self._clock.now_ms(), limit=BATCH_MAX):
            claimed = await self._claim(found)
            if claimed is None:
                continue
            attempt_count += 1
            if await self._is_connected_again(claimed):
                await self._revocations.delete(claimed)
            else:
                await self._attempt(claimed)
        return attempt_count

    async def _claim(self, found: Revocation) -> Revocation | None:
        """Moves the due time past our lease, so that of several processes one makes the calls."""
        due_at_ms = self._after(self._times.lease)
        claimed = replace(found, due_at_ms=due_at_ms, attempt_count=found.attempt_count + 1, version=found.version + 1)
        return claimed if await self._revocations.save(claimed) else None

    async def _is_connected_again(self, claimed: Revocation) -> bool:
        """Tells whether the account has a newer grant, which providers that end whole authorisations would end too."""
        if not claimed.external_user_id:
            return False
        return await self._accounts.load_owner(claimed.provider, claimed.external_user_id) is not None

    async def _attempt(self, claimed: Revocation) -> None:
        self._record(Op.INVOKE, claimed)
        try:
            grant = await self._grants.open_for(claimed.user_id, claimed.connection_id, claimed.sealed)
            oauth = oauth_of(self._providers, claimed.provider)
            is_dead = grant.expires_at_ms <= self._after(self._times.call)
            async with asyncio.timeout(self._times.call.total_seconds()):
                # Providers end a grant for its living access token only: renew first, end at the next attempt.
                renewed = await oauth.refresh(grant.refresh_token) if is_dead else None
                if renewed is None:
                    await oauth.revoke(grant.access_token)
        except (ProviderRefusedError, ReauthenticationNeededError, InvalidInputError) as exc:
            log.info("revocation_refused", provider=claimed.provider, reason=exc.code)  # gone, or nothing helps
        except (ProviderError, NotFoundError, TimeoutError) as exc:
            await self._put_off(claimed, reason="timeout" if isinstance(exc, TimeoutError) else exc.code)
            return
        else:
            if renewed is not None:
                await self._keep(claimed, replace(renewed, refresh_token=renewed.refresh_token or grant.refresh_token))
                return
        await self._revocations.delete(claimed)
        self._record(Op.OK, claimed)

    async def _keep(self, claimed: Revocation, renewed: TokenGrant) -> None:
        sealed = await self._grants.seal_for(claimed.user_id, claimed.connection_id, renewed)
        due_now = replace(claimed, sealed=sealed, due_at_ms=self._clock.now_ms(), version=claimed.version + 1)
        await self._revocations.save(due_now)

    async def _put_off(self, claimed: Revocation, *, reason: str) -> None:
        self._record(Op.FAIL, claimed)
        if claimed.attempt_count >= ATTEMPTS_MAX:
            log.warning("revocation_given_up", provider=claimed.provider, reason=reason)
            await self._revocations.delete(claimed)
            return
        delay = self._times.backoff.delay(claimed.attempt_count, self._random)
        later = replace(claimed, due_at_ms=self._after(delay), version=claimed.version + 1)
        await self._revocations.save(later)

    def _after(self, duration: timedelta) -> int:
        return self._clock.now_ms() + int(duration.total_seconds() * 1000)

    def _record(self, op: Op, claimed: Revocation) -> None:
        ids: dict[str, str | int | bool | None] = {"user": claimed.user_id, "connection": claimed.connection_id}
        self._history.record(op, "grant.end", **ids, attempt=claimed.attempt_count)
