"""Takes a provider's callback: trades the code and stores the grant under a connection that waits to be confirmed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    AccountLinkedElsewhereError,
    ConditionFailedError,
    InvalidInputError,
    OutcomeUnknownError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    StoreUnavailableError,
    VersionConflictError,
)
from syncwell.domain.records import ConnectionId
from syncwell.ports.clock import Clock
from syncwell.ports.connector import Callback
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.item_store import ItemStore, Write
from syncwell.ports.roles import ProviderRegistry, TokenGrant
from syncwell.repositories.accounts import Accounts, ExternalOwner, connection_put, owner_put
from syncwell.repositories.consents import Consents, OpenConsent
from syncwell.repositories.grants import Confirmation, GrantRow, Grants, grant_put
from syncwell.usecases.begin_authorization import RandomBytes, new_secret, oauth_of
from syncwell.usecases.connection_events import ConnectionEvents
from syncwell.usecases.revoke_connection import RevokeConnection

CONFIRMATION_LIFE = timedelta(minutes=10)
CODE_BYTES = 16  # 128 bits: nobody guesses it, and a person can still copy it
STORE_ATTEMPTS_MAX = 5  # rivals are this person's other callbacks and refreshes: few
DISPLAY_NAME_CHARS_MAX = 100
# What RFC 6749 section 4.1.2.1 allows; other texts come from nobody knows where and are not repeated.
REFUSAL_CODES = frozenset({"access_denied", "invalid_scope", "server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class CompletedAuthorization:
    """The connection, and what its person's browser is told: a code that counts until `expires_at_ms`.

    Code and time are None where nothing is left to confirm.
    """

    connection: Connection
    confirmation_code: str | None = field(default=None, repr=False)
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Link:
    """What is stored of the account that the grant belongs to, before this callback."""

    owner: ExternalOwner | None
    connection: Connection | None
    row: GrantRow | None


class CompleteAuthorization:
    """Makes the second half of a consent."""

    def __init__(
        self,
        items: ItemStore,
        accounts: Accounts,
        *,
        grants: Grants,
        consents: Consents,
        revoke: RevokeConnection,
        events: ConnectionEvents,
        providers: ProviderRegistry,
        clock: Clock,
        random_bytes: RandomBytes,
        crash_points: CrashPoints,
        history: History,
    ) -> None:
        self._items = items
        self._accounts = accounts
        self._grants = grants
        self._consents = consents
        self._revoke = revoke
        self._events = events
        self._providers = providers
        self._clock = clock
        self._random_bytes = random_bytes
        self._crash_points = crash_points
        self._history = history

    async def run(self, provider: str, callback: Callback) -> CompletedAuthorization:
        """Returns the connection: pending, or active where this account was connected and still is.

        A pending one is confirmed with the returned code, which is for the browser that made this callback alone.
        Another user's connection that was not confirmed in time is ended here and gives its account away.

        Raises:
            InvalidInputError: the state is unknown, too old, used, or of another provider.
            ProviderRefusedError: the person refused, or the code was wrong; `fields["reason"]` tells.
            ProviderUnavailableError: the provider did not answer; the person must start again.
            AccountLinkedElsewhereError: another user has this account; nothing was stored.
        """
        consent = await self._consents.take(callback.state, now_ms=self._clock.now_ms())
        if consent is None or consent.provider != provider:
            raise InvalidInputError("this consent was used already, is too old or unknown; start again", field="state")
        _check_answer(provider, callback)
        grant = await self._exchange(consent, callback)
        self._crash_points.reach("credentials.after_exchange")
        completed = await self._store(consent, grant)
        self._crash_points.reach("credentials.after_persist")
        return completed

    async def _exchange(self, consent: OpenConsent, callback: Callback) -> TokenGrant:
        verifier = await self._consents.open_verifier(callback.state, consent)
        oauth = oauth_of(self._providers, consent.provider)
        grant = await oauth.exchange(code=callback.code, code_verifier=verifier, redirect_uri=consent.redirect_uri)
        if not grant.external_user_id:
            raise ProviderInvalidAnswerError(
                "the provider did not say whose account this is", provider=consent.provider
            )
        return replace(grant, scopes=grant.scopes or _scopes_in(callback.scope))

    async def _store(self, consent: OpenConsent, grant: TokenGrant) -> CompletedAuthorization:
        code = new_secret(self._random_bytes, CODE_BYTES)
        for _ in range(STORE_ATTEMPTS_MAX):
            link = await self._load_link(consent, grant)
            if link.owner is not None and link.owner.user_id != consent.user_id:
                await self._release(link.owner)
                continue
            connection = self._connection_of(consent, grant, link)
            writes, row = await self._writes(connection, grant, link, code)
            event = self._events.event_of(connection)
            try:
                await self._items.transact([*writes, self._events.put(event)])
            except ConditionFailedError:
                continue  # another callback or a refresh changed a row meanwhile: look again
            except OutcomeUnknownError:
                if await self._grants.load(connection.connection_id) != row:
                    continue
            self._history.record(Op.OK, "connection.link", **_ids(connection))
            await self._events.publish(event)
            if row.confirmation is None:
                return CompletedAuthorization(connection)
            return CompletedAuthorization(connection, code, row.confirmation.expires_at_ms)
        raise StoreUnavailableError("the connection kept changing; start again")

    async def _release(self, owner: ExternalOwner) -> None:
        """Ends another user's hold of the account if it was never confirmed in time.

        Raises:
            AccountLinkedElsewhereError: it holds. The new grant is dropped, not ended: many providers would end the
                rightful user's with it.
        """
        held = await self._accounts.load_connection(owner.user_id, owner.connection_id)
        row = await self._grants.load(owner.connection_id)
        confirmation = None if row is None else row.confirmation
        is_awaited = confirmation is not None and not confirmation.is_over(self._clock.now_ms())
        if held is None or held.status is not ConnectionStatus.PENDING or is_awaited:
            raise AccountLinkedElsewhereError(
                "this account is connected to another user already", provider=owner.provider
            )
        try:
            await self._revoke.drop_pending(held, row)
        except VersionConflictError:
            return  # confirmed or ended meanwhile: the next look decides

    async def _load_link(self, consent: OpenConsent, grant: TokenGrant) -> _Link:
        owner = await self._accounts.load_owner(consent.provider, grant.external_user_id)
        if owner is None or owner.user_id != consent.user_id:
            return _Link(owner, None, None)
        connection = await self._accounts.load_connection(owner.user_id, owner.connection_id)
        if connection is None or connection.status is ConnectionStatus.REVOKED:
            return _Link(owner, None, None)
        return _Link(owner, connection, await self._grants.load(connection.connection_id))

    def _connection_of(self, consent: OpenConsent, grant: TokenGrant, link: _Link) -> Connection:
        """Returns the connection to write: the one that this account has had, or a new one."""
        name = _shown(grant.display_name)
        if link.connection is None:
            return Connection(
                connection_id=self._new_id(),
                user_id=consent.user_id,
                provider=consent.provider,
                external_user_id=grant.external_user_id,
                display_name=name,
                status=ConnectionStatus.PENDING,
                generation=1,
                version=1,
                created_at_ms=self._clock.now_ms(),
                scopes=grant.scopes,
            )
        # An active one stays active: its person confirmed this very account before, and its jobs go on.
        is_active = link.connection.status is ConnectionStatus.ACTIVE
        return replace(
            link.connection,
            display_name=name or link.connection.display_name,
            status=ConnectionStatus.ACTIVE if is_active else ConnectionStatus.PENDING,
            generation=link.connection.generation + 1,
            version=link.connection.version + 1,
            scopes=grant.scopes,
        )

    async def _writes(
        self, connection: Connection, grant: TokenGrant, link: _Link, code: str
    ) -> tuple[Sequence[Write], GrantRow]:
        now_ms = self._clock.now_ms()
        expires_at_ms = now_ms + CONFIRMATION_LIFE // timedelta(milliseconds=1)
        is_pending = connection.status is ConnectionStatus.PENDING
        row = await self._grants.seal(
            connection,
            grant,
            now_ms=now_ms,
            version=1 if link.row is None else link.row.version + 1,
            confirmation=Confirmation.of(code, expires_at_ms=expires_at_ms) if is_pending else None,
        )
        owner = ExternalOwner(
            connection.provider,
            connection.external_user_id,
            connection.user_id,
            connection.connection_id,
            1 if link.owner is None else link.owner.version + 1,
        )
        # Settles: two users with one account (owner), a refresh in flight (row), confirm and revoke (connection).
        return (owner_put(owner), connection_put(connection), grant_put(row)), row

    def _new_id(self) -> ConnectionId:
        return ConnectionId(f"conn_{uuid.UUID(bytes=self._random_bytes(16), version=4)}")


def _check_answer(provider: str, callback: Callback) -> None:
    if callback.error:
        reason = callback.error if callback.error in REFUSAL_CODES else "refused"
        raise ProviderRefusedError("the person or the provider refused the consent", provider=provider, reason=reason)
    if not callback.code:
        raise InvalidInputError("the callback carries no code", field="code")


def _scopes_in(text: str) -> tuple[str, ...]:
    """Splits the scopes of a redirect, which providers join with commas or spaces."""
    return tuple(each for each in re.split(r"[,\s]+", text) if each)


def _shown(name: str) -> str:
    """Cuts a provider's name to what a screen shows, without control characters."""
    return "".join(letter for letter in name if letter.isprintable())[:DISPLAY_NAME_CHARS_MAX]


def _ids(connection: Connection) -> dict[str, str | int | bool | None]:
    return {"user": connection.user_id, "connection": connection.connection_id, "generation": connection.generation}
