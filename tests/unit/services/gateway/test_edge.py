"""The edge, spoken to in raw ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any  # reason: ASGI messages are dictionaries of mixed types

import pytest
from structlog.testing import capture_logs

from services.gateway.authoriser import Authoriser
from services.gateway.call import Answer, Call, json_answer
from services.gateway.edge import Edge
from services.gateway.operations import Handler, Kind, Operation
from syncwell.adapters.grpc.channel import correlation_id
from syncwell.adapters.identity.identity import Identity
from syncwell.adapters.identity.token_verifier import TokenVerifier
from syncwell.adapters.identity.verdict_cache import VerdictCache
from syncwell.domain.errors import NotAuthenticatedError, SecretStoreUnavailableError
from syncwell.domain.records import UserId
from syncwell.repositories.answers import Answers
from syncwell.repositories.identities import Identities
from syncwell.usecases.recognise_user import RecogniseUser
from syncwell.usecases.remember_answer import RememberAnswer
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.item_store import DictItemStore

KEY = b"7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class OneToken(TokenVerifier):
    """Believes the token `good`, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def verify(self, token: str) -> Identity:
        self.asked += 1
        if token != "good":
            raise NotAuthenticatedError("the token is not valid")
        return Identity("https://issuer.example", "robin", FakeClock().now_ms() + 3_600_000)


class Stage:
    """An edge over fakes; `ask` sends one request and returns status, headers and body."""

    def __init__(self, *operations: Operation, request_seconds: float = 5.0) -> None:
        store, clock = DictItemStore(), FakeClock()
        self.verifier = OneToken()
        recognise = RecogniseUser(Identities(store), clock, lambda: UserId("usr_robin"))
        self.edge = Edge(
            operations,
            authoriser=Authoriser(self.verifier, VerdictCache(clock), recognise),
            remember=RememberAnswer(Answers(store, clock), lambda: 1),
            random=lambda: 0.0,
            new_trace=lambda: TRACE,
            request_seconds=request_seconds,
        )

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b""
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[dict[str, Any]] = []  # reason: see the import

        async def receive() -> dict[str, Any]:  # reason: see the import
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:  # reason: see the import
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b""}
        await self.edge(scope, receive, send)
        start, end = sent
        return start["status"], dict(start["headers"]), end["body"]


def operation(kind: Kind, handle: Handler, *, method: str = "GET", path: str = "/thing") -> Operation:
    return Operation("doThing", method, path, kind, handle)


GOOD = ((b"authorization", b"Bearer good"),)


async def test_handler_sees_the_tokens_user_and_the_trace() -> None:
    """The user id comes from the token, whatever the request says; logs and calls carry the trace."""
    seen: list[tuple[str, str, str]] = []

    async def handle(call: Call) -> Answer:
        seen.append((call.user_id, call.correlation_id, correlation_id.get()))
        return json_answer(200, {})

    stage = Stage(operation(Kind.READ, handle))
    status, headers, _ = await stage.ask("GET", "/thing", [*GOOD, (b"x-syncwell-user", b"usr_kim")])

    assert status == 200
    assert seen == [("usr_robin", TRACE, TRACE)]
    assert headers[b"x-correlation-id"] == TRACE.encode()


@pytest.mark.parametrize("value", [b"good", b"Basic good", b"Bearer", b"Bearer ", b"Bearer bad", b"Bearer \xff\xfe"])
async def test_anything_but_a_good_bearer_token_is_refused(value: bytes) -> None:
    """Another scheme, no token or a bad one is 401, and the handler is not called."""

    async def handle(_: Call) -> Answer:
        raise AssertionError("must not be called")

    status, _, _ = await Stage(operation(Kind.READ, handle)).ask("GET", "/thing", [(b"authorization", value)])

    assert status == 401


async def test_good_token_is_verified_once() -> None:
    """The second request with the same token costs a look-up; a bad token is verified each time."""

    async def handle(_: Call) -> Answer:
        return json_answer(200, {})

    stage = Stage(operation(Kind.READ, handle))
    for _ in range(3):
        await stage.ask("GET", "/thing", GOOD)
    assert stage.verifier.asked == 1
    for _ in range(3):
        await stage.ask("GET", "/thing", [(b"authorization", b"Bearer bad")])

    assert stage.verifier.asked == 4


async def test_request_that_takes_too_long_is_503() -> None:
    """The deadline ends the work, and the caller is told to come back."""
    ended = asyncio.Event()

    async def handle(_: Call) -> Answer:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return json_answer(200, {})

    status, headers, body = await Stage(operation(Kind.READ, handle), request_seconds=0.01).ask("GET", "/thing", GOOD)

    assert (status, json.loads(body)["code"]) == (503, "unavailable")
    assert int(headers[b"retry-after"]) >= 1
    assert ended.is_set()


async def test_change_that_ran_out_of_time_may_be_repeated() -> None:
    """The deadline releases the key: the repetition runs."""
    waits = [asyncio.Event(), None]

    async def handle(_: Call) -> Answer:
        blocker = waits.pop(0)
        if blocker is not None:
            await blocker.wait()
        return json_answer(201, {})

    stage = Stage(operation(Kind.CHANGE, handle, method="POST"), request_seconds=0.05)
    headers = [*GOOD, (b"idempotency-key", KEY)]

    first, _, _ = await stage.ask("POST", "/thing", headers)
    second, _, _ = await stage.ask("POST", "/thing", headers)

    assert (first, second) == (503, 201)


async def test_success_writes_no_log_line_and_failure_writes_one() -> None:
    """A request that went well is silent; one that failed inside is logged once, without the caller's secrets."""
    failures: list[Exception | None] = [None, RuntimeError("bug"), SecretStoreUnavailableError("down")]

    async def handle(_: Call) -> Answer:
        failure = failures.pop(0)
        if failure is not None:
            raise failure
        return json_answer(200, {})

    stage = Stage(operation(Kind.READ, handle))
    with capture_logs() as lines:
        await stage.ask("GET", "/thing", GOOD)
        assert lines == []
        internal, _, _ = await stage.ask("GET", "/thing", GOOD)
        down, _, _ = await stage.ask("GET", "/thing", GOOD)

    assert (internal, down) == (500, 503)
    assert {line["event"] for line in lines} == {"request_failed", "request_refused"}
    assert "good" not in str(lines)


async def test_page_answers_people_even_when_it_fails() -> None:
    """A route for browsers shows its errors as pages, wrong methods too."""

    async def handle(_: Call) -> Answer:
        raise RuntimeError("bug")

    stage = Stage(operation(Kind.PAGE, handle))
    status, headers, body = await stage.ask("GET", "/thing")

    assert status == 500
    assert headers[b"content-type"].startswith(b"text/html")
    assert TRACE.encode() in body
    assert b"bug" not in body


async def test_caller_who_leaves_inside_the_body_gets_no_answer() -> None:
    """Nothing is done and nothing is sent for half a request."""

    async def handle(_: Call) -> Answer:
        raise AssertionError("must not be called")

    sent: list[object] = []

    async def receive() -> dict[str, Any]:  # reason: see the import
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # reason: see the import
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/thing",
        "headers": [*GOOD, (b"idempotency-key", KEY)],
        "query_string": b"",
    }
    await Stage(operation(Kind.CHANGE, handle, method="POST")).edge(scope, receive, send)

    assert sent == []


async def test_websocket_is_refused() -> None:
    """A socket is closed at once where none is served."""
    sent: list[Any] = []  # reason: see the import

    async def receive() -> dict[str, Any]:  # reason: see the import
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:  # reason: see the import
        sent.append(message)

    await Stage().edge({"type": "websocket", "path": "/v1/ws", "headers": []}, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]
