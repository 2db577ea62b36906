"""The edge: every request enters here as raw ASGI and leaves as an answer or a problem.

Fixed paths are found by one dictionary look-up, the rest by Starlette's router. A success writes no log line.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn

import msgspec
import structlog
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from services.gateway import bounds
from services.gateway.authoriser import Authoriser
from services.gateway.call import Answer, Call
from services.gateway.operations import Kind, Operation
from services.gateway.pages import error_page
from services.gateway.problems import Refusal, answer_of, problem_of, refuse
from services.gateway.request_meter import RequestMeter
from syncwell.adapters.grpc.channel import correlation_id
from syncwell.domain.errors import InvalidInputError, SyncWellError, UnavailableError
from syncwell.ports.tracer import NO_TRACER, SpanKind, Tracer
from syncwell.repositories.answers import RequestKey, StoredAnswer
from syncwell.usecases.remember_answer import RememberAnswer

REPLAYED = (b"idempotent-replayed", b"true")
WEBSOCKET_REFUSED = {"type": "websocket.close", "code": 1008}
INTERNAL_ERROR_STATUS_MIN = 500
WEBHOOK_SECONDS = 1.8  # providers wait two seconds, then send again what they count as not taken
PAGE_SECONDS = 45.0  # trading a consent's code makes several calls at the provider, and can be done only once

_TRACE_PARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = "0" * 32

log = structlog.get_logger()


class Edge:
    """The ASGI application."""

    def __init__(
        self,
        operations: Sequence[Operation],
        *,
        authoriser: Authoriser,
        remember: RememberAnswer,
        random: Callable[[], float],
        new_trace: Callable[[], str],
        request_seconds: float,
        meter: RequestMeter | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._authoriser = authoriser
        self._remember = remember
        self._random = random
        self._new_trace = new_trace
        self._request_seconds = request_seconds
        self._meter = meter or RequestMeter()
        self._tracer = tracer
        by_path: dict[str, dict[str, Operation]] = defaultdict(dict)
        for operation in operations:
            by_path[operation.path][operation.method] = operation
        self._fixed = {path: methods for path, methods in by_path.items() if "{" not in path}
        self._router = Router(
            [Route(path, _Resource(self, methods)) for path, methods in by_path.items() if "{" in path],
            default=_Resource(self, {}),
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection event of the server."""
        if scope["type"] == "websocket":
            await send(WEBSOCKET_REFUSED)
            return
        if scope["type"] != "http":
            return
        methods = self._fixed.get(scope["path"])
        if methods is not None:
            await self.serve(methods, scope, receive, send)
        else:
            await self._router(scope, receive, send)

    async def serve(self, methods: Mapping[str, Operation], scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request to a path that has `methods`."""
        headers = bounds.headers_of(scope)
        trace = self._trace_of(headers)
        correlation_id.set(trace)
        operation = methods.get("GET" if scope["method"] == "HEAD" else scope["method"])
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not self._tracer.is_on:
            answer = await self._answer_or_refuse(methods, operation, scope, headers, receive)
        else:
            name = "request" if operation is None else f"{operation.method} {operation.path}"
            parent = headers.get(b"traceparent", b"").decode("latin-1")
            with self._tracer.span(name, SpanKind.SERVER, parent=parent) as span:
                answer = await self._answer_or_refuse(methods, operation, scope, headers, receive)
                span.note(status=answer.status if answer else 0)
        self._meter.answered(operation, answer.status if answer else 0, loop.time() - began)
        if answer is not None:
            await _send(answer, trace, send)

    async def _answer_or_refuse(
        self,
        methods: Mapping[str, Operation],
        operation: Operation | None,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
    ) -> Answer | None:
        """Returns the answer or the problem; None where the caller left."""
        trace = correlation_id.get()
        try:
            async with asyncio.timeout(self._seconds_for(operation)):
                if operation is None:
                    _refuse_route(methods)
                return await self._answer(operation, scope, headers, receive, trace)
        except ConnectionResetError:
            return None
        except SyncWellError as exc:
            return self._refusal(exc, operation, trace)
        except TimeoutError:
            late = UnavailableError("the request took too long; send it again with the same Idempotency-Key")
            return self._refusal(late, operation, trace)
        except Exception:  # the edge: the only place where unknown errors end
            log.exception("request_failed", operation=operation.operation_id if operation else "")
            return self._refusal(SyncWellError("unknown"), operation, trace)

    async def _answer(
        self, operation: Operation, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, trace: str
    ) -> Answer:
        bounds.require_small_headers(scope, headers)
        call = Call(
            method=operation.method,
            path=scope["path"],
            headers=headers,
            params=scope.get("path_params", {}),
            query=bounds.query_of(scope),
            correlation_id=trace,
            client_address=(scope.get("client") or ("",))[0],
        )
        kind = operation.kind
        if kind.needs_user:
            call.user_id = await self._authoriser.user_of(headers.get(b"authorization"))
        if operation.role:
            await self._authoriser.require_role(headers.get(b"authorization"), operation.role)
        if kind.needs_key:
            call.idempotency_key = bounds.idempotency_key_of(headers)
            call.body = await bounds.read_body(headers, receive)
            if operation.has_body:
                bounds.require_json(headers, call.body)
            else:
                bounds.require_no_body(call.body)
        elif kind is Kind.WEBHOOK:
            call.body = await bounds.read_body(headers, receive)
        if kind is Kind.CHANGE:
            return await self._answer_once(operation, call)
        answer = await operation.handle(call)
        return _unless_unchanged(answer, headers) if kind is Kind.READ else answer

    async def _answer_once(self, operation: Operation, call: Call) -> Answer:
        """Runs a change once for its Idempotency-Key; a repetition gets the first answer again."""

        async def act() -> StoredAnswer:
            answer = await operation.handle(call)
            return StoredAnswer(answer.status, answer.content_type, answer.body)

        request = RequestKey(call.user_id, operation.operation_id, call.idempotency_key, _fingerprint(call))
        outcome = await self._remember.run(request, act)
        stored = outcome.answer
        return Answer(stored.status, stored.body, stored.content_type, (REPLAYED,) if outcome.is_replay else ())

    def _seconds_for(self, operation: Operation | None) -> float:
        kind = None if operation is None else operation.kind
        if kind is Kind.WEBHOOK:
            return WEBHOOK_SECONDS
        return PAGE_SECONDS if kind is Kind.PAGE else self._request_seconds

    def _refusal(self, error: SyncWellError, operation: Operation | None, trace: str) -> Answer:
        answer = answer_of(error, trace, self._random)
        self._meter.refused(answer.status, error.code)
        if answer.status >= INTERNAL_ERROR_STATUS_MIN:
            log.warning("request_refused", operation=operation.operation_id if operation else "", code=error.code)
        if operation is not None and operation.kind is Kind.PAGE:
            return error_page(problem_of(error, trace))
        return answer

    def _trace_of(self, headers: Mapping[bytes, bytes]) -> str:
        match = _TRACE_PARENT.fullmatch(headers.get(b"traceparent", b""))
        trace = _NO_TRACE if match is None else match[1].decode("ascii")
        return self._new_trace() if trace == _NO_TRACE else trace


class _Resource:
    """A path with its methods, as Starlette's router calls it."""

    def __init__(self, edge: Edge, methods: Mapping[str, Operation]) -> None:
        self._edge = edge
        self._methods = methods

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._edge.serve(self._methods, scope, receive, send)


def _refuse_route(methods: Mapping[str, Operation]) -> NoReturn:
    if not methods:
        refuse(Refusal.NO_SUCH_ROUTE, "there is nothing at this path")
    allow = ", ".join(sorted(methods))
    refuse(Refusal.METHOD_NOT_ALLOWED, f"this path knows {allow}", allow=allow)


def _fingerprint(call: Call) -> str:
    """Tells requests apart by path and meaning, not by the spelling of their JSON."""
    try:
        meaning = msgspec.json.encode(msgspec.json.decode(call.body), order="sorted") if call.body else b""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidInputError("the body is not valid JSON", field="$") from exc
    return hashlib.blake2b(call.path.encode() + b"\x00" + meaning, digest_size=16).hexdigest()


def _unless_unchanged(answer: Answer, headers: Mapping[bytes, bytes]) -> Answer:
    """Adds the ETag; answers 304 where the caller has this state already."""
    tag = b'"' + hashlib.blake2b(answer.body, digest_size=12).hexdigest().encode() + b'"'
    extra = (*answer.headers, (b"etag", tag), (b"cache-control", b"private, no-cache"))
    known = headers.get(b"if-none-match")
    if known is not None and any(each.strip().removeprefix(b"W/") in (tag, b"*") for each in known.split(b",")):
        return Answer(304, b"", "", extra)
    return Answer(answer.status, answer.body, answer.content_type, extra)


async def _send(answer: Answer, trace: str, send: Send) -> None:
    headers = [(b"x-correlation-id", trace.encode()), *answer.headers]
    if answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
