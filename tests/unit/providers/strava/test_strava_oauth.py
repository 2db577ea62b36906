"""Strava's OAuth: consent URLs, recorded token answers, and what each refusal means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from syncwell.domain.errors import (
    ProviderError,
    ProviderRefusedError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
)
from syncwell.ports.roles import TokenGrant
from syncwell.providers.strava.oauth import StravaOAuth
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.recorded import recorded_exchanges
from tests.unit.providers.stages import serving

ATHLETE = {"id": 123, "resource_state": 2, "firstname": "Ana", "lastname": None}
TOKEN = {"token_type": "Bearer", "expires_at": 1542940199, "access_token": "s3cret-a", "refresh_token": "s3cret-r"}


@asynccontextmanager
async def answering(status: int, body: bytes, seen: list[dict[str, str]]) -> AsyncIterator[StravaOAuth]:
    """Runs a token endpoint that always gives this answer and notes the forms it got."""

    async def handler(request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        seen.append({"path": request.path, "authorization": request.headers.get("Authorization", ""), **form})
        return web.Response(status=status, body=body, content_type="application/json")

    async with serving(handler, FakeClock()) as (client, _):
        yield StravaOAuth(client)


async def test_consent_url_names_scopes_with_commas() -> None:
    """The URL carries the state, the exact redirect and comma-separated scopes."""
    async with answering(200, b"", []) as oauth:
        url = URL(oauth.consent_url(state="a&b", code_challenge="c", redirect_uri="https://x.example/cb?y=z"))
    assert url.path == "/oauth/authorize"
    assert dict(url.query) == {
        "client_id": "client",
        "redirect_uri": "https://x.example/cb?y=z",
        "response_type": "code",
        "approval_prompt": "auto",
        "scope": "read,activity:read_all,activity:write",
        "state": "a&b",
    }


async def test_exchange_learns_the_athlete() -> None:
    """The first token answer names the person; nothing of it prints."""
    seen: list[dict[str, str]] = []
    async with answering(200, json.dumps({**TOKEN, "athlete": ATHLETE}).encode(), seen) as oauth:
        grant = await oauth.exchange(code="code-1", code_verifier="v", redirect_uri="https://x.example/")
    assert (grant.external_user_id, grant.display_name) == ("123", "Ana")
    assert (grant.access_token, grant.refresh_token, grant.expires_at_ms) == ("s3cret-a", "s3cret-r", 1542940199000)
    assert "s3cret" not in repr(grant)
    assert seen[0]["path"] == "/oauth/token"
    assert {key: seen[0][key] for key in ("client_id", "client_secret", "code", "grant_type")} == {
        "client_id": "client",
        "client_secret": "hush-hush",
        "code": "code-1",
        "grant_type": "authorization_code",
    }


async def test_recorded_refresh() -> None:
    """The recorded refresh answer becomes the next grant, without a user."""
    (recorded,) = recorded_exchanges("strava_token_refresh_token.json")
    async with answering(recorded.status, recorded.body, []) as oauth:
        grant = await oauth.refresh("old")
    assert grant == TokenGrant("new-access-token", "new-refresh-token", 1542940199000)


async def test_recorded_wrong_code_is_refused() -> None:
    """A wrong code is a refusal that does not repeat it."""
    (recorded,) = recorded_exchanges("strava_token_invalid_code.json")
    async with answering(recorded.status, recorded.body, []) as oauth:
        with pytest.raises(ProviderRefusedError) as caught:
            await oauth.exchange(code="c0de", code_verifier="v", redirect_uri="https://x.example/")
    assert "c0de" not in f"{caught.value} {caught.value.fields}"


def fault(resource: str, field: str) -> bytes:
    """Returns Strava's error body."""
    return json.dumps(
        {"message": "Bad", "errors": [{"resource": resource, "field": field, "code": "invalid"}]}
    ).encode()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, fault("RefreshToken", "refresh_token"), ReauthenticationNeededError),
        (400, fault("Application", "client_id"), ProviderRefusedError),
        (401, fault("Application", "client_secret"), ProviderRefusedError),
        (200, b'{"access_token": "s3cret-a"}', ProviderUnavailableError),
        (200, b"", ProviderUnavailableError),
        (503, b"", ProviderUnavailableError),
    ],
)
async def test_failed_refreshes_are_told_apart(status: int, body: bytes, error: type[ProviderError]) -> None:
    """A dead grant needs the person, a wrong application the operator; what cannot be read is of unknown outcome."""
    async with answering(status, body, []) as oauth:
        with pytest.raises(error) as caught:
            await oauth.refresh("s3cret-r")
    assert "s3cret" not in f"{caught.value} {caught.value.fields}"


async def test_exchange_without_athlete_is_of_unknown_outcome() -> None:
    """A first token answer that does not say whose it is cannot be used."""
    async with answering(200, json.dumps(TOKEN).encode(), []) as oauth:
        with pytest.raises(ProviderUnavailableError):
            await oauth.exchange(code="c", code_verifier="v", redirect_uri="https://x.example/")


@pytest.mark.parametrize(("status", "body"), [(200, b""), (401, b""), (400, b"{}"), (404, b"")])
async def test_revocation_accepts_what_is_gone(status: int, body: bytes) -> None:
    """An ended grant counts as ended, however Strava says it."""
    seen: list[dict[str, str]] = []
    async with answering(status, body, seen) as oauth:
        await oauth.revoke("s3cret-a")
    assert seen[0]["path"] == "/oauth/revoke"
    assert seen[0]["authorization"].startswith("Basic ")
    assert (seen[0]["token"], seen[0]["token_type_hint"]) == ("s3cret-a", "access_token")


@pytest.mark.parametrize(("status", "body"), [(401, fault("Application", "client_id")), (403, b"")])
async def test_refused_revocation_is_told(status: int, body: bytes) -> None:
    """A revocation that Strava did not accept from this application is not taken as done."""
    async with answering(status, body, []) as oauth:
        with pytest.raises(ProviderRefusedError):
            await oauth.revoke("s3cret-a")
