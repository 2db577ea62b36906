"""Published keys are fetched seldom, shared, and remembered while the issuer is down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from syncwell.adapters.identity.jwks_key_set import DOCUMENT_BYTES_MAX, FRESH, REFETCH_PAUSE, STALE_MAX, JwksKeySet
from syncwell.domain.errors import UnavailableError
from tests.unit.adapters.identity.issuers import TestIssuer
from tests.unit.fakes.clock import FakeClock


class Publisher:
    """Publishes a key set over HTTP and counts who asks."""

    def __init__(self) -> None:
        self.issuers = [TestIssuer("one")]
        self.body: bytes | None = None
        self.status = 200
        self.fetches = 0
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.fetches += 1
        body = self.body or json.dumps({"keys": [issuer.jwk for issuer in self.issuers]}).encode()
        return web.Response(status=self.status, body=body, content_type="application/json")


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    app = web.Application()
    app.router.add_get("/keys", publisher.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    publisher.url = f"http://{host}:{port}/keys"
    yield publisher
    await runner.cleanup()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def keys(publisher: Publisher, clock: FakeClock) -> AsyncIterator[JwksKeySet]:
    async with aiohttp.ClientSession() as http:
        yield JwksKeySet(publisher.url, http=http, clock=clock)


async def test_concurrent_callers_share_one_fetch(keys: JwksKeySet, publisher: Publisher) -> None:
    """Fifty first requests at once ask the issuer once."""
    found = await asyncio.gather(*(keys.find("one") for _ in range(50)))

    assert all(key is not None and key.key_id == "one" for key in found)
    assert publisher.fetches == 1


async def test_keys_are_fetched_anew_after_an_hour(keys: JwksKeySet, publisher: Publisher, clock: FakeClock) -> None:
    """Within the hour nobody asks; after it a withdrawn key is known no more."""
    await keys.find("one")
    publisher.issuers = [TestIssuer("two")]
    clock.advance(FRESH - timedelta(seconds=1))
    assert await keys.find("one") is not None
    clock.advance(timedelta(seconds=1))

    assert await keys.find("one") is None
    assert publisher.fetches == 2


async def test_unknown_key_is_looked_for_once_a_minute(
    keys: JwksKeySet, publisher: Publisher, clock: FakeClock
) -> None:
    """A new key is found by one more fetch; made-up ids do not become a flood."""
    await keys.find("one")
    for number in range(20):
        assert await keys.find(f"made-up-{number}") is None
    assert publisher.fetches == 1
    publisher.issuers.append(TestIssuer("two"))
    clock.advance(REFETCH_PAUSE)

    assert await keys.find("two") is not None
    assert publisher.fetches == 2


async def test_issuer_that_is_down_locks_out_nobody_for_a_day(
    keys: JwksKeySet, publisher: Publisher, clock: FakeClock
) -> None:
    """Remembered keys serve while fetches fail, but not for ever."""
    await keys.find("one")
    publisher.status = 500
    clock.advance(FRESH)
    assert await keys.find("one") is not None
    clock.advance(STALE_MAX)

    with pytest.raises(UnavailableError):
        await keys.find("one")


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"{}", b'{"keys": 3}', b'{"keys": [1]}', b"x" * (DOCUMENT_BYTES_MAX + 1), b"[" * 100_000],
)
async def test_answer_that_is_no_key_set_is_no_answer(keys: JwksKeySet, publisher: Publisher, body: bytes) -> None:
    """HTML, wrong types, bombs and endless bodies count as not fetched."""
    publisher.body = body

    with pytest.raises(UnavailableError):
        await keys.find("one")


async def test_keys_of_other_kinds_are_passed_over(keys: JwksKeySet, publisher: Publisher) -> None:
    """An unknown, broken or encryption key beside a good one does no harm."""
    good = publisher.issuers[0].jwk
    odd = [
        {"kid": "odd", "kty": "XYZ"},
        {"kid": "broken", "kty": "RSA"},
        {**good, "kid": "enc", "use": "enc"},
        {"a": 1},
    ]
    publisher.body = json.dumps({"keys": [*odd, good]}).encode()

    assert await keys.find("one") is not None
    assert await keys.find("enc") is None
