"""The session: a token for each call, one refresh after a 401, and never more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import NotFoundError, ReauthenticationNeededError
from syncwell.domain.jobs import Priority
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.tokens import AccessToken, TokenSource
from syncwell.providers.session import MeteredSession
from syncwell.providers.strava.errors import missing_scope
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.stages import serving

CONNECTION = Connection(
    ConnectionId("c"),
    UserId("u"),
    "strava",
    "77",
    "",
    ConnectionStatus.ACTIVE,
    generation=1,
    version=1,
    created_at_ms=0,
)


class CountingTokens(TokenSource):
    """Gives `token-<generation>`; a rejected generation is followed by the next."""

    def __init__(self) -> None:
        self.generation = 1
        self.rejected: list[int] = []
        self.is_revoked = False

    async def access_token(
        self, user_id: UserId, connection_id: ConnectionId, *, rejected_generation: int | None = None
    ) -> AccessToken:
        if self.is_revoked:
            raise NotFoundError("revoked")
        if rejected_generation is not None:
            self.rejected.append(rejected_generation)
            self.generation = rejected_generation + 1
        return AccessToken(f"token-{self.generation}", self.generation, 0)


class Server:
    """Accepts one token, counts calls, and refuses others with a chosen body."""

    def __init__(self, accepted: str, refusal: object) -> None:
        self.accepted = f"Bearer {accepted}"
        self.refusal = refusal
        self.calls: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        content = await request.read()
        self.calls.append(f"{request.method} {request.path_qs} {len(content) > 0}")
        if request.headers["Authorization"] == self.accepted:
            return web.json_response({"ok": True})
        return web.json_response(self.refusal, status=401)


DEAD_TOKEN = {"message": "Authorization Error", "errors": [{"resource": "Athlete", "field": "", "code": "invalid"}]}
NO_SCOPE = {"errors": [{"resource": "AccessToken", "field": "activity:read_permission", "code": "missing"}]}


@asynccontextmanager
async def opened(server: Server, tokens: CountingTokens) -> AsyncIterator[MeteredSession]:
    """Opens a session on the server."""
    clock = FakeClock()
    async with serving(server, clock) as (client, _):
        deadline_ms = clock.now_ms() + 60_000
        yield MeteredSession(client, tokens, CONNECTION, missing_scope, priority=Priority.HIGH, deadline_ms=deadline_ms)


async def test_good_token_is_one_call() -> None:
    """The path is put below the base URL and the token is asked once."""
    server, tokens = Server("token-1", DEAD_TOKEN), CountingTokens()
    async with opened(server, tokens) as session:
        response = await session.request("GET", "athlete", params={"a": "b c"})
    assert (response.status, server.calls) == (200, ["GET /api/v3/athlete?a=b+c False"])


async def test_dead_token_is_refreshed_and_the_upload_sent_again() -> None:
    """After a 401 the rejected generation is named, and the whole request is made once more."""
    server, tokens = Server("token-2", DEAD_TOKEN), CountingTokens()
    async with opened(server, tokens) as session:
        response = await session.request("POST", "uploads", form={"a": "b"}, upload=("f", b"x"), is_write=True)
    assert response.status == 200
    assert tokens.rejected == [1]
    assert server.calls == ["POST /api/v3/uploads True"] * 2


async def test_second_refusal_needs_the_person() -> None:
    """401 with a fresh token ends it: there is no third call."""
    server, tokens = Server("none", DEAD_TOKEN), CountingTokens()
    async with opened(server, tokens) as session:
        with pytest.raises(ReauthenticationNeededError):
            await session.request("GET", "athlete")
    assert len(server.calls) == 2


async def test_missing_scope_is_told_without_a_refresh() -> None:
    """A permission that was never given is named; no refresh can mend it."""
    server, tokens = Server("none", NO_SCOPE), CountingTokens()
    async with opened(server, tokens) as session:
        with pytest.raises(ReauthenticationNeededError) as caught:
            await session.request("GET", "athlete")
    assert caught.value.fields["scope"] == "activity:read_permission"
    assert (len(server.calls), tokens.rejected) == (1, [])


async def test_revoked_connection_makes_no_call() -> None:
    """A revocation between two calls is seen by the next one."""
    server, tokens = Server("token-1", DEAD_TOKEN), CountingTokens()
    async with opened(server, tokens) as session:
        await session.request("GET", "athlete")
        tokens.is_revoked = True
        with pytest.raises(NotFoundError):
            await session.request("GET", "athlete")
    assert len(server.calls) == 1
