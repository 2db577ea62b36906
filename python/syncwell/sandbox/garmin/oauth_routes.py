"""Garmin's authorization paths: OAuth 2.0 with PKCE, no scopes, refresh tokens that rotate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import Response

from syncwell.sandbox.answers import json_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.consent import SIGN_IN_COOKIE, consent_page, is_redirect_allowed, send_back
from syncwell.sandbox.door import Call, Endpoint
from syncwell.sandbox.garmin.errors import error_answer, token_error
from syncwell.sandbox.oauth import Grant, TokenRefusal

if TYPE_CHECKING:
    from syncwell.sandbox.garmin.sandbox import GarminSandbox

ASKED_NAMES = ("client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "state")
SCOPE_TEXT = "PARTNER_WRITE PARTNER_READ CONNECT_READ CONNECT_WRITE"
CHALLENGE_LENGTH = 43  # SHA-256 in base64url without padding


class GarminOAuth:
    """The consent page and the token endpoint."""

    def __init__(self, sandbox: GarminSandbox) -> None:
        self._sandbox = sandbox

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        oauth = CallKind.OAUTH
        return [
            Endpoint("GET", "/oauth2Confirm", oauth, self._authorize, needs_token=False),
            Endpoint("POST", "/oauth2Confirm", oauth, self._decide, needs_token=False),
            Endpoint("POST", "/di-oauth2-service/oauth/token", oauth, self._token, needs_token=False),
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
        if not person.auto_grant:
            return consent_page("Garmin", "/oauth2Confirm", person.name, asked, ())
        return self._allowed(asked, person.user_id)

    async def _decide(self, call: Call) -> Response:
        fields = call.form().fields
        asked = {name: fields[name] for name in ASKED_NAMES if name in fields}
        refusal = self._refused(asked)
        if refusal is not None:
            return refusal
        person = self._sandbox.people.signed_in(call.request.cookies.get(SIGN_IN_COOKIE))
        call.ids["user"] = person.user_id
        return self._allowed(asked, person.user_id) if fields.get("decision") == "allow" else _denied(asked)

    def _refused(self, asked: Mapping[str, str]) -> Response | None:
        if asked.get("client_id") != self._sandbox.client.client_id:
            return error_answer(400, "unknown client_id")
        if not is_redirect_allowed(asked.get("redirect_uri", "")):
            return error_answer(400, "redirect_uri is not allowed")
        if asked.get("response_type") != "code":
            return error_answer(400, "response_type must be code")
        is_challenged = len(asked.get("code_challenge", "")) == CHALLENGE_LENGTH
        if not is_challenged or asked.get("code_challenge_method") != "S256":
            return error_answer(400, "a code_challenge of method S256 is needed")
        return None

    def _allowed(self, asked: Mapping[str, str], user_id: str) -> Response:
        permissions = tuple(self._sandbox.people.get(user_id).permissions)
        code = self._sandbox.grants.authorize(user_id, permissions, asked["redirect_uri"], asked["code_challenge"])
        return send_back(asked["redirect_uri"], {"code": code, "state": asked.get("state", "")})

    async def _token(self, call: Call) -> Response:
        fields = call.form().fields
        if not self._sandbox.client.is_right(fields.get("client_id"), fields.get("client_secret")):
            return token_error("invalid_client", "client authentication failed", 401)
        match fields.get("grant_type"):
            case "authorization_code":
                found = self._sandbox.grants.exchange(
                    fields.get("code", ""),
                    fields.get("code_verifier"),
                    fields.get("redirect_uri"),
                    is_pkce_needed=True,
                )
            case "refresh_token":
                found = self._sandbox.grants.refresh(fields.get("refresh_token", ""))
            case _:
                return token_error("unsupported_grant_type", "grant_type is missing or unknown")
        if isinstance(found, TokenRefusal):
            return token_error("invalid_grant", f"the {found.replace('_', ' ')} is invalid or expired")
        call.ids["user"] = found.user_id
        return json_answer(self._tokens(found))

    def _tokens(self, grant: Grant) -> dict[str, object]:
        return {
            "access_token": grant.access_token,
            "expires_in": self._sandbox.grants.seconds_left(grant),
            "token_type": "bearer",
            "refresh_token": grant.refresh_token,
            "scope": SCOPE_TEXT,
            "jti": self._sandbox.ids.text("jti"),
            "refresh_token_expires_in": self._sandbox.settings.refresh_token_seconds,
        }


def _denied(asked: Mapping[str, str]) -> Response:
    return send_back(asked["redirect_uri"], {"error": "access_denied", "state": asked.get("state", "")})
