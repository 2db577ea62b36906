"""What every request goes through: identity, keys, bounds, methods, caching, tracing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest

from services.gateway import bounds, protocol
from tests.integration.gateway.bed import Bed
from tests.integration.gateway.test_sync_jobs import job_body

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11"
JSON = {"Content-Type": "application/json", "Idempotency-Key": KEY}


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_every_user_route_refuses_callers_without_a_good_token(bed: Bed) -> None:
    """No token, a broken one or an expired one is 401 on every route that is not public."""
    expired = bed.person("robin")
    bed.clock.advance(timedelta(hours=2))
    broken = bed.person("robin")
    broken.token = broken.token[:-4] + "AAAA"
    for path, methods in bed.contract.document["paths"].items():
        for method, operation in methods.items():
            if "security" in operation:
                continue
            for caller in (bed.nobody(), expired, broken):
                reply = await caller.send(method.upper(), path.replace("{", "").replace("}", ""))
                assert (reply.status, reply.json["code"]) == (401, "not_authenticated"), (method, path)
                assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_every_changing_route_needs_a_uuid_as_key(bed: Bed) -> None:
    """A missing or malformed Idempotency-Key is 400 and names the header."""
    person = bed.person("robin")
    for path, methods in bed.contract.document["paths"].items():
        for method in methods:
            # Providers send no key; a caller without the role is refused before the key is looked at.
            if method == "get" or path.startswith(("/v1/webhooks/", "/v1/admin/")):
                continue
            for key in ({}, {"Idempotency-Key": "not-a-uuid"}, {"Idempotency-Key": KEY + "0"}):
                reply = await person.send(method.upper(), path.replace("{", "").replace("}", ""), headers=key)
                assert reply.status == 400, (method, path)
                assert reply.json["fields"]["field"] == "Idempotency-Key"


async def test_body_beyond_the_bound_is_refused(bed: Bed) -> None:
    """More than 64 KB is 413, announced or not."""
    person = bed.person("robin")
    body = b" " * (bounds.BODY_BYTES_MAX + 1)

    async def in_pieces() -> object:
        for _ in range(9):
            yield b" " * 8192

    announced = await person.send("POST", "/v1/sync-jobs", headers=JSON, data=body)
    async with bed.session.post(
        bed.url + "/v1/sync-jobs", data=in_pieces(), headers={**JSON, "Authorization": f"Bearer {person.token}"}
    ) as chunked:
        status = chunked.status

    assert (announced.status, announced.json["code"]) == (413, "body_too_large")
    assert status == 413


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b'{"sourceConnectionId":' + b"[" * 33 + b"]" * 33 + b"}",
        b"[" + b"1," * 30_000 + b"1]",
        b'"' + b'\\"' * 32_000,
        b"{" + b",".join(b'"k%d":1' % number for number in range(5_000)) + b"}",
    ],
)
async def test_json_bomb_is_refused_quickly(bed: Bed, bomb: bytes) -> None:
    """Deep nesting, endless arrays and broken strings are 400 within a moment."""
    async with asyncio.timeout(2):
        reply = await bed.person("robin").send("POST", "/v1/sync-jobs", headers=JSON, data=bomb)

    assert (reply.status, reply.json["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"dataType":"\\ud800"}', b"{}}"]
)
async def test_body_that_is_no_object_of_ours_is_refused(bed: Bed, body: bytes) -> None:
    """No JSON, broken text or another type is 400."""
    person = bed.person("robin")
    for path in ("/v1/sync-jobs", "/v1/sync-configs"):
        assert (await person.send("POST", path, headers=JSON, data=body)).status == 400


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_other_media_types_are_refused(bed: Bed, media_type: str) -> None:
    """Only application/json is read; anything else is 415."""
    headers = {**JSON, "Content-Type": media_type}

    reply = await bed.person("robin").send("POST", "/v1/sync-jobs", headers=headers, data=b"{}")

    assert (reply.status, reply.json["code"]) == (415, "unsupported_media_type")


async def test_route_without_body_refuses_one(bed: Bed) -> None:
    """A body where none is read is 400, so that nobody believes it was heeded."""
    reply = await bed.person("robin").post("/v1/connections/strava/authorize", {"userId": "usr_other"})

    assert (reply.status, reply.json["code"]) == (400, "invalid_input")


async def test_too_many_headers_are_refused(bed: Bed) -> None:
    """More headers than the bound is 431."""
    reply = await bed.person("robin").get("/v1/connections", **{f"X-{number}": "1" for number in range(80)})

    assert (reply.status, reply.json["code"]) == (431, "headers_too_large")


async def test_wrong_method_tells_the_right_ones(bed: Bed) -> None:
    """A method that a path does not know is 405 with Allow; a path that is nothing is 404."""
    person = bed.person("robin")

    fixed = await person.send("PATCH", "/v1/sync-jobs")
    templated = await person.send("POST", "/v1/sync-configs/x")
    nothing = await person.get("/v2/sync-jobs")
    slash = await person.get("/v1/sync-jobs/")

    assert (fixed.status, fixed.headers["Allow"]) == (405, "GET, POST")
    assert (templated.status, templated.headers["Allow"]) == (405, "DELETE, GET, PUT")
    assert (nothing.status, nothing.json["code"]) == (404, "no_such_route")
    assert slash.status == 404


async def test_unchanged_state_is_answered_without_a_body(bed: Bed) -> None:
    """A GET with the ETag of the present state is 304; once the state changes it is 200 again."""
    person = bed.person("robin")
    source, _ = await bed.connected(person)
    first = await person.get("/v1/connections")

    unchanged = await person.get("/v1/connections", **{"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    await person.change("DELETE", f"/v1/connections/{source}")
    changed = await person.get("/v1/connections", **{"If-None-Match": first.headers["ETag"]})

    assert (unchanged.status, unchanged.headers["ETag"]) == (304, first.headers["ETag"])
    assert changed.status == 200


async def test_head_answers_as_get_without_a_body(bed: Bed) -> None:
    """HEAD is served wherever GET is."""
    async with bed.session.head(bed.url + "/healthz") as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_trace_of_the_caller_is_kept(bed: Bed) -> None:
    """A W3C traceparent becomes the correlation id; a malformed one is replaced."""
    person = bed.person("robin")
    trace = "0af7651916cd43dd8448eb211c80319c"

    kept = await person.get("/v1/connections", traceparent=f"00-{trace}-b7ad6b7169203331-01")
    replaced = await person.get("/v1/connections", traceparent="00-" + "0" * 32 + "-b7ad6b7169203331-01")
    odd = await person.get("/nothing", traceparent="x" * 500)

    assert kept.headers["X-Correlation-Id"] == trace
    assert replaced.headers["X-Correlation-Id"] not in ("0" * 32, trace)
    assert odd.json["correlationId"] == odd.headers["X-Correlation-Id"]


async def test_health_needs_no_token_and_readiness_asks_dependencies(bed: Bed) -> None:
    """Health is always ok; readiness is 503 and says which dependency is missing."""
    nobody = bed.nobody()

    assert (await nobody.get("/healthz")).json == {"status": "ok"}
    assert (await nobody.get("/readyz")).status == 200
    bed.checks["store"] = False
    missing = await nobody.get("/readyz")

    assert (missing.status, missing.json["checks"]) == (503, {"store": "unavailable"})


async def test_documentation_is_served(bed: Bed) -> None:
    """The document is the one in the repository, and the page names every path."""
    nobody = bed.nobody()

    document = (await nobody.get("/openapi.json")).json
    page = (await nobody.get("/docs")).body.decode()

    assert document == json.loads(json.dumps(bed.contract.document))
    assert all(path in page for path in document["paths"])
    assert "http://" not in page.replace(bed.url, "")


async def test_endless_head_is_cut_off(bed: Bed) -> None:
    """A request whose head never ends is closed before it fills the memory."""
    host, port = bed.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nX-Endless: ")
    sent = 0
    try:
        while sent < 4 * protocol.HEAD_BYTES_MAX:
            writer.write(b"x" * 8192)
            await writer.drain()
            sent += 8192
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.read(200), 5)
    except ConnectionError:
        answer = b""
    await closed(writer)

    assert answer[:12] in (b"", b"HTTP/1.1 400")


async def test_slow_head_is_cut_off(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that does not say what it wants is closed."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS_MAX", 0.05)
    host, port = bed.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\n")

    assert await asyncio.wait_for(reader.read(), 5) == b""
    await closed(writer)


async def test_key_of_a_running_request_is_told_to_wait(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first request with a key runs, a second is 409 with Retry-After; then it gets the first answer."""
    person = bed.person("robin")
    await person.get("/v1/connections")
    may_go, has_begun = asyncio.Event(), asyncio.Event()
    begin = bed.connector.begin

    async def slow(*args: object, **kwargs: object) -> object:
        has_begun.set()
        await may_go.wait()
        return await begin(*args, **kwargs)  # type: ignore[arg-type]  # reason: passes on what it was given

    monkeypatch.setattr(bed.connector, "begin", slow)
    first = asyncio.create_task(person.post("/v1/connections/strava/authorize", key=KEY))
    await has_begun.wait()
    second = await person.post("/v1/connections/strava/authorize", key=KEY)
    may_go.set()
    answered = await first
    third = await person.post("/v1/connections/strava/authorize", key=KEY)

    assert (second.status, second.json["code"]) == (409, "request_in_progress")
    assert int(second.headers["Retry-After"]) >= 1
    assert third.body == answered.body
    assert third.headers["Idempotent-Replayed"] == "true"


async def test_internal_error_tells_nothing_of_the_inside(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown error is 500 with a correlation id, and no word of what happened."""
    person = bed.person("robin")
    body = job_body(*await bed.connected(person))

    async def fail(*_: object) -> None:
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr(bed.items, "write_each", fail)
    reply = await person.post("/v1/sync-jobs", body)

    assert (reply.status, reply.json["code"]) == (500, "internal")
    assert b"swordfish" not in reply.body
