"""Strava's authorization paths: consent, tokens, revocation."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import Response

from syncwell.sandbox.answers import json_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.consent import SIGN_IN_COOKIE, consent_page, is_redirect_allowed, send_back
from syncwell.sandbox.door import Call, Endpoint
from syncwell.sandbox.oauth import Grant, TokenRefusal
from syncwell.sandbox.strava.athletes import show_athlete
from syncwell.sandbox.strava.errors import fault_answer

if TYPE_CHECKING:
    from syncwell.sandbox.strava.sandbox import StravaSandbox

SCOPES = frozenset(
    {"read", "read_all", "profile:read_all", "profile:write", "activity:read", "activity:read_all", "activity:write"}
)
ASKED_NAMES = ("client_id", "redirect_uri", "response_type", "scope", "state", "approval_prompt")


class StravaOAuth:
    """The consent page and the token endpoint."""

    def __init__(self, sandbox: StravaSandbox) -> None:
        self._sandbox = sandbox

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        return [
            Endpoint("GET", "/oauth/authorize", CallKind.OAUTH, self._authorize, needs_token=False),
            Endpoint("POST", "/oauth/authorize", CallKind.OAUTH, self._decide, needs_token=False),
            Endpoint("POST", "/oauth/token", CallKind.OAUTH, self._token, needs_token=False),
            Endpoint("POST", "/api/v3/oauth/token", CallKind.OAUTH, self._token, needs_token=False),
            Endpoint("POST", "/oauth/deauthorize", CallKind.OAUTH, self._deauthorize),
            Endpoint("POST", "/oauth/revoke", CallKind.OAUTH, self._revoke, needs_token=False),
        ]

    async def _authorize(self, call: Call) -> Response:
        asked = {name: value for name in ASKED_NAMES if (value := call.query(name)) is not None}
        refusal = self._refused(asked)
        if refusal is not None:
            return refusal
        person = self._sandbox.people.signed_in(call.request.cookies.get(SIGN_IN_COOKIE))
        call.ids["user"] = person.user_id
        if person.denies:
            return _denied(asked)
        scopes = asked["scope"].split(",")
        if not person.auto_grant:
            return consent_page("Strava", "/oauth/authorize", person.name, asked, scopes)
        return self._allowed(asked, person.user_id, [one for one in scopes if one not in person.refused_scopes])

    async def _decide(self, call: Call) -> Response:
        fields = call.form().fields
        asked = {name: fields[name] for name in ASKED_NAMES if name in fields}
        refusal = self._refused(asked)
        if refusal is not None:
            return refusal
        person = self._sandbox.people.signed_in(call.request.cookies.get(SIGN_IN_COOKIE))
        call.ids["user"] = person.user_id
        if fields.get("decision") != "allow":
            return _denied(asked)
        ticked = [one for one in asked["scope"].split(",") if f"scope_{one}" in fields]
        return self._allowed(asked, person.user_id, ticked)

    def _refused(self, asked: Mapping[str, str]) -> Response | None:
        if asked.get("client_id") != self._sandbox.client.client_id:
            return fault_answer(400, "Application", "client_id", "invalid")
        if not is_redirect_allowed(asked.get("redirect_uri", "")):
            return fault_answer(400, "Application", "redirect_uri", "invalid")
        if asked.get("response_type") != "code":
            return fault_answer(400, "Authorize", "response_type", "invalid")
        if not set(asked.get("scope", "").split(",")) <= SCOPES:
            return fault_answer(400, "Authorize", "scope", "invalid")
        return None

    def _allowed(self, asked: Mapping[str, str], user_id: str, scopes: list[str]) -> Response:
        # Strava always adds `read`, and "Only You" includes what followers may see.
        given = tuple(dict.fromkeys(["read", *scopes]))
        code = self._sandbox.grants.authorize(user_id, given, asked["redirect_uri"], None)
        answer = {"state": asked.get("state", ""), "code": code, "scope": ",".join(given)}
        return send_back(asked["redirect_uri"], answer)

    async def _token(self, call: Call) -> Response:
        fields = call.form().fields
        if not self._sandbox.client.is_right(fields.get("client_id"), fields.get("client_secret")):
            return fault_answer(400, "Application", "client_id", "invalid")
        match fields.get("grant_type"):
            case "authorization_code":
                return self._exchange(call, fields.get("code", ""))
            case "refresh_token":
                return self._refresh(call, fields.get("refresh_token", ""))
            case _:
                return fault_answer(400, "RequestToken", "grant_type", "invalid")

    def _exchange(self, call: Call, code: str) -> Response:
        grant = self._sandbox.grants.exchange(code, None, None, is_pkce_needed=False)
        if isinstance(grant, TokenRefusal):
            return fault_answer(400, "RequestToken", "code", "invalid")
        call.ids["user"] = grant.user_id
        athlete = show_athlete(self._sandbox.people.get(grant.user_id))
        return json_answer(self._tokens(grant) | {"athlete": athlete})

    def _refresh(self, call: Call, refresh_token: str) -> Response:
        grant = self._sandbox.grants.refresh(refresh_token)
        if isinstance(grant, TokenRefusal):
            return fault_answer(400, "RefreshToken", "refresh_token", "invalid")
        call.ids["user"] = grant.user_id
        return json_answer(self._tokens(grant))

    def _tokens(self, grant: Grant) -> dict[str, object]:
        seconds_left = self._sandbox.grants.seconds_left(grant)
        return {
            "token_type": "Bearer",
            "access_token": grant.access_token,
            "expires_at": int(self._sandbox.clock.now().timestamp()) + seconds_left,
            "expires_in": seconds_left,
            "refresh_token": grant.refresh_token,
        }

    async def _deauthorize(self, call: Call) -> Response:
        if call.grant is None:
            return fault_answer(401, "Athlete", "access_token", "invalid")
        self._sandbox.revoke(call.grant)
        return json_answer({"access_token": call.grant.access_token})

    async def _revoke(self, call: Call) -> Response:
        client_id, client_secret = _basic_credentials(call.request.headers.get("authorization", ""))
        if not self._sandbox.client.is_right(client_id, client_secret):
            return fault_answer(401, "Application", "client_id", "invalid")
        grant = self._sandbox.grants.find_token(call.form().fields.get("token", ""))
        if grant is not None:  # RFC 7009: an unknown token is as good as revoked
            call.ids["user"] = grant.user_id
            self._sandbox.revoke(grant)
        return Response(status_code=200)


def _denied(asked: Mapping[str, str]) -> Response:
    return send_back(asked["redirect_uri"], {"state": asked.get("state", ""), "error": "access_denied"})


def _basic_credentials(header: str) -> tuple[str | None, str | None]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return client_id, client_secret
