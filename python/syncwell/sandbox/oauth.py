"""Grants, one-time codes and tokens, as an authorization server keeps them.

The two providers differ only in how they say it; their routes translate `TokenRefusal` into their own bodies.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from syncwell.ports.clock import Clock
from syncwell.sandbox.books import Books
from syncwell.sandbox.ids import IdSource

CODE_LIFE = timedelta(minutes=10)
TOKENS_MAX = 100_000

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """The application that may use the sandbox."""

    client_id: str
    client_secret: str = field(repr=False)

    def is_right(self, client_id: str | None, client_secret: str | None) -> bool:
        """Tells whether these credentials are the application's."""
        return client_id == self.client_id and client_secret == self.client_secret


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How tokens live; read anew at each use because the control API may change them.

    `keeps_young_tokens` is Strava's way: a refresh while the access token has more than an hour left answers with the
    same pair.
    """

    access_life: timedelta
    rotate_refresh: bool
    old_refresh_dies: bool
    keeps_young_tokens: bool
    refresh_life: timedelta | None = None


class TokenRefusal(StrEnum):
    """Why no tokens are given."""

    CODE = "code"
    VERIFIER = "verifier"
    REDIRECT = "redirect"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a reason, not a secret


@dataclass(slots=True)
class Grant:
    """What one person allowed the application."""

    user_id: str
    scopes: tuple[str, ...]
    is_revoked: bool = False
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    access_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    expires_at: datetime


class GrantBook:
    """Issues, refreshes and revokes."""

    def __init__(self, clock: Clock, ids: IdSource, books: Books, rules: Callable[[], TokenRules]) -> None:
        self._clock = clock
        self._ids = ids
        self._books = books
        self._rules = rules
        self._codes: dict[str, _Code] = {}
        self._by_access: dict[str, Grant] = {}
        self._access_expiry: dict[str, datetime] = {}
        self._by_refresh: dict[str, Grant] = {}
        self._spent_refresh: dict[str, None] = {}

    def authorize(self, user_id: str, scopes: tuple[str, ...], redirect_uri: str, challenge: str | None) -> str:
        """Returns a code that can be exchanged once within ten minutes."""
        code = self._ids.text("code")
        _make_room(self._codes)
        self._codes[code] = _Code(Grant(user_id, scopes), redirect_uri, challenge, self._clock.now() + CODE_LIFE)
        self._books.count("grants", user=user_id)
        return code

    def grant_directly(self, user_id: str, scopes: tuple[str, ...]) -> Grant:
        """Issues tokens without a consent page, for tests that are not about consent."""
        return self._issue(Grant(user_id, scopes))

    def exchange(
        self, code: str, verifier: str | None, redirect_uri: str | None, *, is_pkce_needed: bool
    ) -> Grant | TokenRefusal:
        """Spends a code. A wrong verifier spends it too."""
        found = self._codes.pop(code, None)
        if found is None or found.expires_at <= self._clock.now():
            return TokenRefusal.CODE
        if is_pkce_needed and not _is_verified(found.challenge, verifier):
            return TokenRefusal.VERIFIER
        if redirect_uri is not None and redirect_uri != found.redirect_uri:
            return TokenRefusal.REDIRECT
        self._books.count("code_exchanges", user=found.grant.user_id)
        return self._issue(found.grant)

    def refresh(self, refresh_token: str) -> Grant | TokenRefusal:
        """Answers a refresh token with the newest pair of its grant."""
        grant = self._by_refresh.get(refresh_token)
        if refresh_token in self._spent_refresh:
            self._books.count("refresh_token_reuses", user=grant.user_id if grant else None)
        now = self._clock.now()
        if grant is None or grant.is_revoked or (grant.refresh_expires_at or now + CODE_LIFE) <= now:
            self._books.count("refreshes_refused", user=grant.user_id if grant else None)
            return TokenRefusal.REFRESH_TOKEN
        rules = self._rules()
        if grant.refresh_token != refresh_token and rules.old_refresh_dies:
            self._books.count("refreshes_refused", user=grant.user_id)
            return TokenRefusal.REFRESH_TOKEN
        self._books.count("token_refreshes", user=grant.user_id)
        if rules.keeps_young_tokens and self.seconds_left(grant) > 3600:
            return grant
        if rules.rotate_refresh:
            _make_room(self._spent_refresh)
            self._spent_refresh[refresh_token] = None
        return self._issue(grant, keep_refresh=not rules.rotate_refresh)

    def grant_of(self, access_token: str) -> Grant | None:
        """Returns the living grant behind an access token, or None."""
        grant = self._by_access.get(access_token)
        if grant is None or grant.is_revoked or self._access_expiry[access_token] <= self._clock.now():
            return None
        return grant

    def seconds_left(self, grant: Grant) -> int:
        """Returns how long the newest access token lives, in seconds."""
        expires_at = grant.access_expires_at
        return 0 if expires_at is None else int((expires_at - self._clock.now()).total_seconds())

    def revoke_grant(self, grant: Grant) -> None:
        """Kills every token of one grant."""
        if not grant.is_revoked:
            grant.is_revoked = True
            self._books.count("revocations", user=grant.user_id)

    def revoke_user(self, user_id: str) -> int:
        """Kills every grant of a person and returns how many there were."""
        living = {id(grant): grant for grant in self._by_refresh.values() if grant.user_id == user_id}
        revoked = [grant for grant in living.values() if not grant.is_revoked]
        for grant in revoked:
            self.revoke_grant(grant)
        return len(revoked)

    def expire_access(self, user_id: str) -> None:
        """Makes every access token of a person expire now; refresh tokens live on."""
        for token, grant in self._by_access.items():
            if grant.user_id == user_id:
                self._access_expiry[token] = self._clock.now()
                grant.access_expires_at = self._clock.now()

    def find_token(self, token: str) -> Grant | None:
        """Returns the grant of an access or refresh token, living or not."""
        return self._by_access.get(token) or self._by_refresh.get(token)

    def _issue(self, grant: Grant, *, keep_refresh: bool = False) -> Grant:
        rules = self._rules()
        now = self._clock.now()
        grant.access_token = self._ids.text("access")
        grant.access_expires_at = now + rules.access_life
        if not keep_refresh:
            grant.refresh_token = self._ids.text("refresh")
            grant.refresh_expires_at = None if rules.refresh_life is None else now + rules.refresh_life
        _make_room(self._by_access)
        _make_room(self._access_expiry)
        _make_room(self._by_refresh)
        self._by_access[grant.access_token] = grant
        self._access_expiry[grant.access_token] = grant.access_expires_at
        self._by_refresh[grant.refresh_token] = grant
        return grant


def _is_verified(challenge: str | None, verifier: str | None) -> bool:
    if not challenge or not verifier:
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def _make_room(table: dict[str, Value]) -> None:
    if len(table) >= TOKENS_MAX:
        del table[next(iter(table))]
