"""The metered client: bounded in time and bytes, allow-listed, metered, and never trying twice."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from datetime import timedelta

import pytest
from aiohttp import web

from syncwell.domain.errors import (
    ProviderError,
    ProviderInvalidAnswerError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from syncwell.providers.metered_client import Call, MeteredClient
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.stages import live_settings, serving


async def get(
    client: MeteredClient, url: str, *, body_bytes_max: int = 8_000_000, deadline_ms: int | None = None
) -> bytes:
    """Makes a plain read and returns the body."""
    call = Call(
        "GET",
        url,
        headers={"Authorization": "Bearer s3cret"},
        body_bytes_max=body_bytes_max,
        deadline_ms=deadline_ms,
    )
    return (await client.call(call)).body


async def test_answer_comes_back_whole() -> None:
    """Status, lower-case headers and the inflated body come back."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip", "X-Odd": "1"})

    async with serving(handler, FakeClock()) as (client, origin):
        response = await client.call(Call("GET", f"{origin}/api/v3/athlete"))
    assert (response.status, response.body, response.headers["x-odd"]) == (200, b"[1]", "1")


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
async def test_body_is_bounded_while_it_is_read(encoding: str) -> None:
    """A body beyond its bound is refused in every encoding, however small it was on the wire."""
    content = bytes(50_000_000)
    packed = {
        "identity": lambda: content,
        "gzip": lambda: gzip.compress(content),
        "deflate": lambda: zlib.compress(content),
    }
    body = packed[encoding]()

    async def handler(_request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": encoding})
        response.enable_chunked_encoding()
        await response.prepare(_request)
        with contextlib.suppress(ConnectionError):
            await response.write(body)
        return response

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderInvalidAnswerError):
            await get(client, f"{origin}/api/v3/athlete", body_bytes_max=1000)


async def test_declared_length_is_refused_unread() -> None:
    """A Content-Length beyond the bound is enough to refuse."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=bytes(2000))

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderInvalidAnswerError):
            await get(client, f"{origin}/api/v3/athlete", body_bytes_max=1000)


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        ("gzip", b"no gzip at all", ProviderInvalidAnswerError),
        ("br", b"\x0b", ProviderInvalidAnswerError),
        ("gzip", gzip.compress(b"x" * 1000)[:-12], ProviderUnavailableError),
    ],
)
async def test_false_encodings_are_told(encoding: str, body: bytes, error: type[ProviderError]) -> None:
    """A body that is not encoded as it claims is invalid; one that ends early was lost on the way."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(error):
            await get(client, f"{origin}/api/v3/athlete")


@pytest.mark.parametrize("status", [200, 201])
async def test_web_page_as_success_is_invalid(status: int) -> None:
    """HTML with a success status is no data."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>sign in</html>", content_type="text/html")

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderInvalidAnswerError):
            await get(client, f"{origin}/api/v3/athlete")


@pytest.mark.parametrize("status", [500, 502, 503, 520])
async def test_server_errors_are_unavailable_and_not_repeated(status: int) -> None:
    """5xx is told once, with its status: retries belong to the caller."""
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, text="<html>oops</html>", content_type="text/html")

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderUnavailableError) as caught:
            await get(client, f"{origin}/api/v3/athlete")
    assert seen == ["/api/v3/athlete"]
    assert caught.value.fields == {"provider": "strava", "status": str(status)}


async def test_lost_connection_is_told_once_even_on_a_reused_connection() -> None:
    """A pooled connection that dies under a read is not silently asked again: no budget granted that call."""
    seen: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(1)
        if len(seen) == 2:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response([])

    async with serving(handler, FakeClock()) as (client, origin):
        await get(client, f"{origin}/api/v3/athlete")
        with pytest.raises(ProviderUnavailableError) as caught:
            await get(client, f"{origin}/api/v3/athlete?secret=1")
    assert len(seen) == 2
    assert "secret" not in str(caught.value)


async def test_deadline_ends_a_call_that_dribbles() -> None:
    """A provider that never finishes is cut off at the job's deadline."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[")
        await asyncio.Event().wait()
        return response

    clock = FakeClock()
    async with serving(handler, clock) as (client, origin):
        with pytest.raises(ProviderUnavailableError):
            await get(client, f"{origin}/api/v3/athlete", deadline_ms=clock.now_ms() + 100)


async def test_call_after_the_deadline_is_never_made() -> None:
    """A passed deadline costs neither a call nor budget."""
    seen: list[int] = []

    async def handler(_request: web.Request) -> web.Response:
        seen.append(1)
        return web.json_response([])

    clock = FakeClock()
    async with serving(handler, clock) as (client, origin):
        with pytest.raises(ProviderUnavailableError):
            await get(client, f"{origin}/api/v3/athlete", deadline_ms=clock.now_ms())
        assert client.budget.calls_granted == 0
    assert seen == []


async def test_redirects_of_reads_are_followed_and_metered() -> None:
    """A redirect on the provider's own host is followed, and each hop takes a call."""

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/api/v3/old":
            raise web.HTTPFound("/api/v3/new")
        return web.json_response({"at": request.path})

    async with serving(handler, FakeClock()) as (client, origin):
        body = await get(client, f"{origin}/api/v3/old")
        assert client.budget.calls_granted == 2
    assert body == b'{"at": "/api/v3/new"}'


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest", "https://evil.example/", "//evil.example/x", "http://[", "ftp://127.0.0.1/"],
)
async def test_redirects_to_foreign_hosts_are_refused(location: str) -> None:
    """A redirect that leads away from the provider is not followed."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderInvalidAnswerError):
            await get(client, f"{origin}/api/v3/athlete")


async def test_endless_redirects_end() -> None:
    """Redirects in a circle are cut off after a few."""
    seen: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(1)
        return web.Response(status=302, headers={"Location": str(request.url)})

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderInvalidAnswerError):
            await get(client, f"{origin}/api/v3/athlete")
    assert len(seen) == 4


async def test_redirected_write_is_refused() -> None:
    """A write is never sent on to where a redirect points."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/api/v3/elsewhere"})

    async with serving(handler, FakeClock()) as (client, origin):
        with pytest.raises(ProviderInvalidAnswerError):
            await client.call(Call("POST", f"{origin}/api/v3/uploads", form={"a": "b"}))


async def test_upload_is_multipart_with_its_form() -> None:
    """A file travels under the name `file`, beside the fields."""
    got: dict[str, object] = {}

    async def handler(request: web.Request) -> web.Response:
        for key, value in (await request.post()).items():
            got[key] = (value.filename, value.file.read()) if isinstance(value, web.FileField) else value
        return web.json_response({}, status=201)

    async with serving(handler, FakeClock()) as (client, origin):
        await client.call(Call("POST", f"{origin}/api/v3/uploads", form={"name": "Ä b"}, upload=("x.fit", b"\x00\xff")))
    assert got == {"name": "Ä b", "file": ("x.fit", b"\x00\xff")}


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("90", timedelta(seconds=90)),
        ("99999999999999", timedelta(days=1)),
        ("Thu, 09 Oct 2025 09:00:50 GMT", timedelta(seconds=130)),
        ("soon", timedelta(seconds=80)),
        ("", timedelta(seconds=80)),
    ],
)
async def test_refusal_waits_for_the_longer_of_header_and_window(header: str, wait: timedelta) -> None:
    """429 closes the window until it ends, or for as long as Retry-After says where that is longer."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": header}, text="slow down")

    clock = FakeClock()
    clock.advance(timedelta(minutes=5, seconds=20))  # 08:58:40 on that 9 October
    async with serving(handler, clock) as (client, origin):
        with pytest.raises(ProviderThrottledError) as caught:
            await get(client, f"{origin}/api/v3/athlete")
    assert caught.value.retry_after == wait


async def test_first_calls_go_one_by_one_until_a_report() -> None:
    """What an earlier process spent is unknown: one call learns it before others follow at once."""
    running, most, limits = [0], [0], {"X-RateLimit-Limit": "200,2000", "X-RateLimit-Usage": "199,500"}

    async def handler(_request: web.Request) -> web.Response:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.01)
        running[0] -= 1
        return web.json_response([], headers=limits)

    async with serving(handler, FakeClock()) as (client, origin):
        calls = [get(client, f"{origin}/api/v3/athlete") for _ in range(5)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert most[0] == 1
    assert [type(each) for each in outcomes] == [bytes, bytes, *[ProviderThrottledError] * 3]


def test_secrets_do_not_print() -> None:
    """Neither a call nor the settings show what they carry."""
    call = Call("POST", "https://x/", headers={"Authorization": "Bearer s3cret"}, form={"refresh_token": "s3cret"})
    assert "s3cret" not in repr(call)
    assert "hush-hush" not in repr(live_settings())
    with pytest.raises(TypeError):
        live_settings().__reduce__()
