"""Garmin's OAuth: PKCE, the two calls after the exchange, and what each refusal means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from syncwell.domain.errors import (
    ProviderError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
)
from syncwell.providers.garmin.limits import GarminLimits
from syncwell.providers.garmin.oauth import GarminOAuth
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.stages import serving

TOKEN = {"access_token": "s3cret-a", "refresh_token": "s3cret-r", "expires_in": 86400, "token_type": "bearer"}
REDIRECT = "https://x.example/cb"


class Server:
    """Answers by the last part of the path; notes what it got."""

    def __init__(self, answers: Mapping[str, tuple[int, object]]) -> None:
        self.answers = answers
        self.seen: list[dict[str, str]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        bearer = request.headers.get("Authorization", "")
        self.seen.append({"method": request.method, "path": request.path, "bearer": bearer, **form})
        status, body = self.answers[request.path.rpartition("/")[2]]
        return web.json_response(body, status=status)


@asynccontextmanager
async def answering(**answers: tuple[int, object]) -> AsyncIterator[tuple[GarminOAuth, Server]]:
    """Runs Garmin's endpoints with these answers."""
    clock, server = FakeClock(), Server(answers)
    async with serving(server, clock, limits=GarminLimits()) as (client, _):
        yield GarminOAuth(client, clock), server


async def test_consent_url_carries_the_challenge() -> None:
    """The URL has the S256 challenge and no scopes."""
    async with answering() as (oauth, _):
        url = URL(oauth.consent_url(state="s", code_challenge="ch", redirect_uri=REDIRECT))
    assert dict(url.query) == {
        "response_type": "code",
        "client_id": "client",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "redirect_uri": REDIRECT,
        "state": "s",
    }


@pytest.mark.parametrize("permissions", [["ACTIVITY_EXPORT"], {"permissions": ["ACTIVITY_EXPORT"]}])
async def test_exchange_learns_user_and_permissions(permissions: object) -> None:
    """The grant names the stable user id, and the permissions in either form of the answer."""
    async with answering(token=(200, TOKEN), id=(200, {"userId": "u-1"}), permissions=(200, permissions)) as (
        oauth,
        server,
    ):
        grant = await oauth.exchange(code="c", code_verifier="v" * 43, redirect_uri=REDIRECT)
    assert (grant.external_user_id, grant.scopes) == ("u-1", ("ACTIVITY_EXPORT",))
    assert grant.expires_at_ms == FakeClock().now_ms() + 86_400_000
    assert server.seen[0]["code_verifier"] == "v" * 43
    assert server.seen[0]["redirect_uri"] == REDIRECT
    assert [each["bearer"] for each in server.seen] == ["", "Bearer s3cret-a", "Bearer s3cret-a"]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"token": (400, {"error": "invalid_grant"})}, ProviderRefusedError),
        ({"token": (200, {"access_token": 1})}, ProviderUnavailableError),
        ({"token": (200, TOKEN), "id": (200, {"userId": ""})}, ProviderInvalidAnswerError),
        ({"token": (200, TOKEN), "id": (500, {})}, ProviderUnavailableError),
        ({"token": (200, TOKEN), "id": (200, {"userId": "u"}), "permissions": (200, 5)}, ProviderInvalidAnswerError),
    ],
)
async def test_failed_exchanges(answers: dict[str, tuple[int, object]], error: type[ProviderError]) -> None:
    """A wrong code is refused; a half-done exchange gives no grant and no secret."""
    full = {"id": (200, {"userId": "u"}), "permissions": (200, []), **answers}
    async with answering(**full) as (oauth, _):
        with pytest.raises(error) as caught:
            await oauth.exchange(code="c", code_verifier="v", redirect_uri=REDIRECT)
    assert "s3cret" not in f"{caught.value} {caught.value.fields}"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant"}, ReauthenticationNeededError),
        (401, {}, ReauthenticationNeededError),
        (401, {"error": "invalid_client"}, ProviderRefusedError),
        (403, {}, ProviderRefusedError),
        (502, {}, ProviderUnavailableError),
        (200, {}, ProviderUnavailableError),
    ],
)
async def test_failed_refreshes(status: int, body: object, error: type[ProviderError]) -> None:
    """A dead grant needs the person, a wrong application the operator, anything else has an unknown outcome."""
    async with answering(token=(status, body)) as (oauth, _):
        with pytest.raises(error):
            await oauth.refresh("s3cret-r")


@pytest.mark.parametrize("status", [204, 401, 403, 404])
async def test_revocation_deletes_the_registration(status: int) -> None:
    """DELETE with the token; a registration that is gone counts as ended."""
    async with answering(revoke=(status, {}), registration=(status, {})) as (oauth, server):
        await oauth.revoke("s3cret-a")
    assert (server.seen[0]["method"], server.seen[0]["bearer"]) == ("DELETE", "Bearer s3cret-a")


async def test_refused_revocation_is_told() -> None:
    """Another refusal is not taken as done."""
    async with answering(revoke=(409, {}), registration=(409, {})) as (oauth, _):
        with pytest.raises(ProviderRefusedError):
            await oauth.revoke("s3cret-a")


@pytest.mark.parametrize(
    ("path", "is_counted"),
    [
        ("/wellness-api/rest/activities", True),
        ("/wellness-api/rest/activityFile", True),
        ("/di-oauth2-service/oauth/token", False),
    ],
)
def test_token_calls_are_not_counted(path: str, *, is_counted: bool) -> None:
    """The minute counts calls of the API only, and headers tell nothing."""
    assert bool(GarminLimits().windows_of("GET", path)) is is_counted
    assert GarminLimits().reports({"x-ratelimit-limit": "1,1", "x-ratelimit-usage": "1,1"}) == ()
