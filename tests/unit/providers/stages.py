"""What the tests of provider adapters stand on: a local server, fixed settings, a session that plays a script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from syncwell.ports.clock import Clock
from syncwell.providers.call_limits import CallLimits
from syncwell.providers.metered_client import MeteredClient
from syncwell.providers.response import Response
from syncwell.providers.settings import ProviderSettings
from syncwell.providers.strava.limits import StravaLimits

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def live_settings() -> ProviderSettings:
    """Returns settings of a made-up live provider."""
    return ProviderSettings(
        provider="strava",
        api_url="https://api.example.com/api/v3",
        authorize_url="https://www.example.com/oauth/authorize",
        token_url="https://www.example.com/oauth/token",
        revoke_url="https://www.example.com/oauth/revoke",
        client_id="client",
        client_secret="hush-hush",
        extra_hosts=("files.example.com",),
    )


@asynccontextmanager
async def serving(
    handler: Handler, clock: Clock, *, limits: CallLimits | None = None
) -> AsyncIterator[tuple[MeteredClient, str]]:
    """Runs `handler` for every path; yields a client of it and its origin."""

    async def route(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", route)
    async with TestServer(app) as server:
        origin = f"http://127.0.0.1:{server.port}"
        client = MeteredClient(live_settings().at_origin(origin), limits or StravaLimits(), clock)
        try:
            yield client, origin
        finally:
            await client.aclose()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that an adapter made."""

    method: str
    path: str
    params: Mapping[str, str]
    form: Mapping[str, str]
    upload: tuple[str, bytes] | None
    is_write: bool


@dataclass(slots=True)
class ScriptedSession:
    """Implements `ProviderSession`: gives the prepared answers in order, raises the prepared errors."""

    answers: list[Response | Exception]
    asked: list[Asked] = field(default_factory=list)
    account: str = "77"

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        upload: tuple[str, bytes] | None = None,
        is_write: bool = False,
        body_bytes_max: int = 8_000_000,
    ) -> Response:
        self.asked.append(Asked(method, path, params or {}, form or {}, upload, is_write))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int, body: object = None, **headers: str) -> Response:
    """Returns a JSON answer; a body of bytes is taken as it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers=headers, body=content)
