"""Talks to a running sandbox as an application does, over real sockets."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from syncwell.sandbox.sandbox import Sandbox
from syncwell.sandbox.server import SandboxHost, serving

REDIRECT = "http://127.0.0.1:9/callback"
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:  # Any: the tests ask recorded and documented shapes of it
        return msgspec.json.decode(self.body)


class Driver:
    """One application in front of one sandbox."""

    def __init__(self, session: aiohttp.ClientSession, url: str, host: SandboxHost) -> None:
        self.session = session
        self.url = url
        self.host = host
        self.token = ""

    @property
    def sandbox(self) -> Sandbox:
        return self.host.sandbox

    async def call(self, method: str, path: str, **options: Any) -> Answer:  # Any: aiohttp's own options
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        url = path if path.startswith("http") else self.url + path
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **options) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **query: str | int) -> Answer:
        return await self.call("GET", path, params=query)

    async def control(self, method: str, path: str, body: object = None) -> Any:  # Any: see Answer.json
        data = None if body is None else msgspec.json.encode(body)
        answer = await self.call(method, f"/_control{path}", data=data)
        assert answer.status < 300, answer.body
        return answer.json if answer.body else None

    async def settings(self, **changes: object) -> None:
        await self.control("PATCH", "/settings", changes)

    async def fault(self, kind: str, **options: object) -> None:
        await self.control("POST", "/faults", {"kind": kind, **options})

    async def advance(self, seconds: float) -> None:
        await self.control("POST", "/clock", {"advance_seconds": seconds})

    async def books(self) -> Any:  # Any: see Answer.json
        return await self.control("GET", "/books")

    async def count(self, event: str) -> int:
        return int((await self.books())["counters"].get(event, 0))

    async def connect(self, user_id: str, scopes: list[str] | None = None) -> dict[str, str]:
        body = {"user_id": user_id} if scopes is None else {"user_id": user_id, "scopes": scopes}
        tokens: dict[str, str] = await self.control("POST", "/grants", body)
        self.token = tokens["access_token"]
        return tokens


def query_of(answer: Answer) -> dict[str, str]:
    """Returns what a redirect carries back to the application."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@asynccontextmanager
async def driving(make: Callable[[], Sandbox]) -> AsyncIterator[Driver]:
    """Runs a sandbox whose clock stands at 2026-03-10 09:07:00 UTC."""
    host = SandboxHost(make)
    async with serving(host) as url, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        driver = Driver(session, url, host)
        await driver.control("POST", "/clock", {"freeze_at": "2026-03-10T09:07:00Z"})
        yield driver
