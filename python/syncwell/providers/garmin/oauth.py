"""Garmin's OAuth 2.0 with PKCE: no scopes, a refresh token that is another after every use."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from yarl import URL

from syncwell.domain.errors import (
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
)
from syncwell.ports.clock import Clock
from syncwell.ports.roles import ProviderResponse, TokenGrant
from syncwell.providers.garmin.errors import refuse, token_error
from syncwell.providers.garmin.payloads import Permissions, Token, UserId
from syncwell.providers.garmin.settings import PROVIDER
from syncwell.providers.metered_client import Call, MeteredClient
from syncwell.providers.response import decode

TOKEN_BYTES_MAX = 65_536
# A registration that has ended already answers one of these.
GONE_STATUSES = frozenset({401, 403, 404})
# Garmin's own names for an application that is set up wrong.
CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})


class GarminOAuth:
    """Implements `OAuth`."""

    def __init__(self, client: MeteredClient, clock: Clock) -> None:
        """Calls through `client`; expiry is counted from `clock`."""
        self._client = client
        self._settings = client.settings
        self._clock = clock

    def consent_url(self, *, state: str, code_challenge: str, redirect_uri: str) -> str:
        """Returns the consent page; permissions are switches there, not scopes here."""
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return str(URL(self._settings.authorize_url).with_query(query))

    async def exchange(self, *, code: str, code_verifier: str, redirect_uri: str) -> TokenGrant:
        """Trades the code, then asks who the person is and what was allowed."""
        response = await self._token_call(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": code_verifier,
                "redirect_uri": redirect_uri,
            }
        )
        if response.status >= 400:
            raise ProviderRefusedError(f"Garmin refused to accept the code (HTTP {response.status})", provider=PROVIDER)
        now_ms = self._clock.now_ms()
        token = token_in(response)
        user = await self._get(token.access_token, "user/id", "tell the user id")
        permissions = await self._get(token.access_token, "user/permissions", "tell permissions")
        return grant_of(
            token, now_ms, user_id=decode(user, UserId, provider=PROVIDER).user_id, scopes=permissions_in(permissions)
        )

    async def refresh(self, refresh_token: str) -> TokenGrant:
        """Trades the refresh token; the old one is dead from that moment."""
        response = await self._token_call({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if response.status in (400, 401) and token_error(response) not in CLIENT_ERRORS:
            raise ReauthenticationNeededError(
                "Garmin has ended this grant: connect the account again", provider=PROVIDER
            )
        if response.status >= 400:
            raise ProviderRefusedError(
                f"Garmin refused to refresh the grant (HTTP {response.status})", provider=PROVIDER
            )
        return grant_of(token_in(response), self._clock.now_ms())

    async def revoke(self, access_token: str) -> None:
        """Deletes the registration, as Garmin demands of applications that offer to disconnect."""
        response = await self._client.call(
            Call(method="DELETE", url=self._settings.revoke_url, headers=bearer(access_token))
        )
        if response.status >= 400 and response.status not in GONE_STATUSES:
            refuse(response, "end the registration")

    async def _get(self, access_token: str, path: str, action: str) -> ProviderResponse:
        response = await self._client.call(
            Call(
                method="GET",
                url=f"{self._settings.api_url}/{path}",
                headers=bearer(access_token),
                body_bytes_max=TOKEN_BYTES_MAX,
            )
        )
        if response.status != 200:
            refuse(response, action)
        return response

    async def _token_call(self, form: Mapping[str, str]) -> ProviderResponse:
        credentials = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
        return await self._client.call(
            Call(
                method="POST",
                url=self._settings.token_url,
                form={**credentials, **form},
                body_bytes_max=TOKEN_BYTES_MAX,
            )
        )


def bearer(access_token: str) -> dict[str, str]:
    """Returns the header of an authenticated call."""
    return {"Authorization": f"Bearer {access_token}"}


def token_in(response: ProviderResponse) -> Token:
    """Returns the token of an answer.

    Raises:
        ProviderUnavailableError: it cannot be read; Garmin has rotated the grant all the same.
    """
    try:
        return decode(response, Token, provider=PROVIDER)
    except ProviderInvalidAnswerError as exc:
        raise ProviderUnavailableError("Garmin's token answer cannot be read", provider=PROVIDER) from exc


def permissions_in(response: ProviderResponse) -> tuple[str, ...]:
    """Returns the permissions in either form of the answer.

    Raises:
        ProviderInvalidAnswerError: it has neither form.
    """
    try:
        found = msgspec.json.decode(response.body, type=list[str] | Permissions)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise ProviderInvalidAnswerError("Garmin's permissions cannot be read", provider=PROVIDER) from None
    return tuple(found.permissions if isinstance(found, Permissions) else found)


def grant_of(token: Token, now_ms: int, *, user_id: str = "", scopes: tuple[str, ...] = ()) -> TokenGrant:
    """Returns the grant in an answer received at `now_ms`."""
    return TokenGrant(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at_ms=now_ms + token.expires_in * 1000,
        scopes=scopes,
        external_user_id=user_id,
    )
