"""The one door through which every call to a sandbox passes.

In this order: read the body, count the call against the limits, break it if a fault says so, refuse it, serve it,
break the answer if a fault says so, book it. A provider's own ways are behind `Dialect`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from syncwell.domain.errors import InvalidInputError, LimitExceededError
from syncwell.sandbox.books import BookedCall, Books, CallKind
from syncwell.sandbox.damage import broken
from syncwell.sandbox.faults import Fault, FaultBoard, FaultKind, Phase
from syncwell.sandbox.forms import Form, parse_form, read_body
from syncwell.sandbox.oauth import Grant, GrantBook

BODY_BYTES_MAX = 32 * 1024 * 1024
BROKEN_BEFORE_SERVING = frozenset({FaultKind.STATUS, FaultKind.DROP, FaultKind.HTML})
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(slots=True)
class Call:
    """One request on its way; handlers add to `ids` what the books shall name."""

    request: Request
    body: bytes = field(repr=False)
    kind: CallKind
    grant: Grant | None = None
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def user_id(self) -> str:
        """Returns whose token it is; empty where the endpoint asks for none."""
        return "" if self.grant is None else self.grant.user_id

    def form(self) -> Form:
        """Returns the body as a form."""
        return parse_form(self.request.headers.get("content-type", ""), self.body)

    def query(self, name: str) -> str | None:
        """Returns a query parameter, or None."""
        return self.request.query_params.get(name)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of a provider. `scopes` are alternatives: one of them is enough."""

    method: str
    path: str
    kind: CallKind
    handler: Handler
    needs_token: bool = True
    scopes: tuple[str, ...] = ()


class Dialect(ABC):
    """How one provider counts, refuses and words its errors."""

    @abstractmethod
    def count(self, endpoint: Endpoint) -> None:
        """Counts a call against the limits, also one that will be refused."""

    @abstractmethod
    def refusal(self, call: Call, endpoint: Endpoint) -> Response | None:
        """Returns the refusal for a spent limit, a dead token or a missing scope, or None."""

    @abstractmethod
    def error(self, status: int, message: str) -> Response:
        """Returns an error of this status in the provider's own words."""

    @abstractmethod
    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Returns the headers that each answer of the provider carries."""


class Door:
    """Turns endpoints into routes that keep books."""

    def __init__(self, dialect: Dialect, books: Books, faults: FaultBoard, grants: GrantBook) -> None:
        self._dialect = dialect
        self._books = books
        self._faults = faults
        self._grants = grants

    def routes(self, endpoints: Sequence[Endpoint]) -> list[Route]:
        """Returns a route for each endpoint and one behind them that answers 404 to everything else."""
        unknown = Endpoint("*", "/{path:path}", CallKind.UNKNOWN, self._not_found, needs_token=False)
        routes = [Route(point.path, self._served(point), methods=[point.method]) for point in endpoints]
        return [*routes, Route(unknown.path, self._served(unknown), methods=METHODS)]

    def _served(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            return await self._pass(endpoint, request)

        return serve

    async def _pass(self, endpoint: Endpoint, request: Request) -> Response:
        grant = self._grants.grant_of(_bearer(request))
        user_id = None if grant is None else grant.user_id
        number = self._books.open_call(request.method, endpoint.path, user_id)
        t = self._books.now_ms()
        call = Call(request, b"", endpoint.kind, grant)
        self._dialect.count(endpoint)
        fault = self._faults.take(request.method, request.url.path, user_id)
        answer = await self._answer(call, endpoint, fault)
        answer.headers.update(self._dialect.headers(endpoint))
        self._books.close_call(
            BookedCall(
                number=number,
                t=t,
                user_id=call.ids.pop("user", user_id),
                method=request.method,
                route=endpoint.path,
                path=request.url.path,
                kind=endpoint.kind,
                status=answer.status_code,
                fault=None if fault is None else f"{fault.kind}:{fault.phase}",
                ids=call.ids,
            )
        )
        return answer if fault is None else broken(fault, answer)

    async def _answer(self, call: Call, endpoint: Endpoint, fault: Fault | None) -> Response:
        if fault is not None and fault.latency_ms and fault.kind is not FaultKind.DRIBBLE:
            await asyncio.sleep(fault.latency_ms / 1000)
        try:
            call.body = await read_body(call.request, bytes_max=BODY_BYTES_MAX)
        except LimitExceededError as exc:
            return self._dialect.error(413, exc.message)
        except ClientDisconnect:
            return self._dialect.error(400, "the client went away")
        if fault is not None and fault.phase is Phase.BEFORE and fault.kind in BROKEN_BEFORE_SERVING:
            return self._ordered(fault)
        answer = self._dialect.refusal(call, endpoint) or await self._handled(call, endpoint)
        is_replaced = fault is not None and fault.kind is FaultKind.STATUS
        return self._ordered(fault) if fault is not None and is_replaced else answer

    def _ordered(self, fault: Fault) -> Response:
        answer = self._dialect.error(fault.status, "ordered by a fault")
        answer.headers.update(fault.headers)
        return answer

    async def _handled(self, call: Call, endpoint: Endpoint) -> Response:
        try:
            return await endpoint.handler(call)
        except InvalidInputError as exc:
            return self._dialect.error(400, exc.message)
        except LimitExceededError as exc:
            return self._dialect.error(503, exc.message)

    async def _not_found(self, call: Call) -> Response:
        return self._dialect.error(404, f"no such path: {call.request.url.path}")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
