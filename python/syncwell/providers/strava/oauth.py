"""Strava's OAuth: comma-separated scopes, rotating refresh tokens, its own error bodies.

Strava tells which scopes were granted in the redirect's query only; a token answer rarely says. The grant's `scopes`
are empty then, and whoever took the callback fills them in.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from yarl import URL

from syncwell.domain.errors import (
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
)
from syncwell.ports.roles import ProviderResponse, TokenGrant
from syncwell.providers.metered_client import Call, MeteredClient
from syncwell.providers.response import decode
from syncwell.providers.strava.capabilities import CAPABILITIES
from syncwell.providers.strava.errors import fault_of, refuse
from syncwell.providers.strava.payloads import Token
from syncwell.providers.strava.settings import PROVIDER

TOKEN_BYTES_MAX = 65_536
# Revocation of a grant that the athlete has ended already answers one of these.
GONE_STATUSES = frozenset({400, 401, 404})


class StravaOAuth:
    """Implements `OAuth`. Strava has no PKCE: the verifier stays here and the state does the guarding."""

    def __init__(self, client: MeteredClient) -> None:
        """Calls through `client`, with its settings' client id and secret."""
        self._client = client
        self._settings = client.settings

    def consent_url(self, *, state: str, code_challenge: str, redirect_uri: str) -> str:  # noqa: ARG002 - no PKCE there
        """Returns the consent page; the athlete may untick scopes there."""
        query = {
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "approval_prompt": "auto",
            "scope": ",".join(CAPABILITIES.scopes),
            "state": state,
        }
        return str(URL(self._settings.authorize_url).with_query(query))

    async def exchange(self, *, code: str, code_verifier: str, redirect_uri: str) -> TokenGrant:  # noqa: ARG002 - no PKCE
        """Trades the code; the answer names the athlete."""
        form = {"grant_type": "authorization_code", "code": code}
        response = await self._token_call(form)
        if response.status >= 400:
            refuse(response, "accept the code")
        token = self._token_in(response)
        if token.athlete is None:
            raise ProviderUnavailableError("Strava did not say whose grant this is", provider=PROVIDER)
        names = (token.athlete.firstname or "", token.athlete.lastname or "")
        return grant_of(token, str(token.athlete.id), " ".join(each for each in names if each))

    async def refresh(self, refresh_token: str) -> TokenGrant:
        """Trades the refresh token; the old one may be dead from that moment."""
        response = await self._token_call({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if response.status >= 400:
            if is_dead_refresh(response):
                raise ReauthenticationNeededError(
                    "Strava has ended this grant: connect the account again", provider=PROVIDER
                )
            refuse(response, "refresh the grant")
        return grant_of(self._token_in(response), "", "")

    async def revoke(self, access_token: str) -> None:
        """Ends the grant (RFC 7009 with the application's own credentials)."""
        pair = f"{self._settings.client_id}:{self._settings.client_secret}".encode()
        response = await self._client.call(
            Call(
                method="POST",
                url=self._settings.revoke_url,
                headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"},
                form={"token": access_token, "token_type_hint": "access_token"},
                body_bytes_max=TOKEN_BYTES_MAX,
            )
        )
        is_client_wrong = any(item.resource == "Application" for item in fault_of(response).items)
        if response.status >= 400 and (response.status not in GONE_STATUSES or is_client_wrong):
            raise ProviderRefusedError(f"Strava refused to revoke (HTTP {response.status})", provider=PROVIDER)

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

    def _token_in(self, response: ProviderResponse) -> Token:
        try:
            return decode(response, Token, provider=PROVIDER)
        except ProviderInvalidAnswerError as exc:
            # Strava may have rotated the grant all the same.
            raise ProviderUnavailableError("Strava's token answer cannot be read", provider=PROVIDER) from exc


def is_dead_refresh(response: ProviderResponse) -> bool:
    """True when the refusal is about the refresh token, not about the application."""
    return any(item.resource == "RefreshToken" for item in fault_of(response).items)


def grant_of(token: Token, external_user_id: str, display_name: str) -> TokenGrant:
    """Returns the grant in an answer."""
    return TokenGrant(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at_ms=token.expires_at * 1000,
        scopes=split_scopes(token.scope or ""),
        external_user_id=external_user_id,
        display_name=display_name,
    )


def split_scopes(text: str) -> tuple[str, ...]:
    """Splits Strava's comma-separated scopes; spaces are taken too."""
    return tuple(text.replace(",", " ").split())
