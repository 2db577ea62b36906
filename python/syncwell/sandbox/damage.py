"""Breaks an answer in the way that a fault orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from syncwell.sandbox.faults import Fault, FaultKind

DROP_KEY = "syncwell.sandbox.drop"
FLOOD_CHUNK = b" " * 65_536
HTML_PAGE = (
    "<!DOCTYPE html><html><head><title>Error</title></head>"
    "<body><h1>The request could not be satisfied</h1></body></html>"
)


def broken(fault: Fault, answer: Response) -> Response:
    """Returns what the client shall get instead of `answer`."""
    match fault.kind:
        case FaultKind.DROP:
            return _Dropped()
        case FaultKind.TRUNCATE:
            return _Truncated(answer)
        case FaultKind.HTML:
            return Response(HTML_PAGE, fault.status, dict(fault.headers), media_type="text/html")
        case FaultKind.WRONG_TYPE:
            answer.headers["content-type"] = "text/plain"
        case FaultKind.DRIBBLE:
            return _streamed(answer, _dribble(bytes(answer.body), fault.latency_ms))
        case FaultKind.FLOOD:
            return _streamed(answer, _flood(fault.body_bytes))
        case FaultKind.LATENCY | FaultKind.STATUS:
            pass
    return answer


class _Dropped(Response):
    """Cuts the connection without a byte of answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        drop: Callable[[], None] = scope[DROP_KEY]
        drop()
        while (await receive())["type"] != "http.disconnect":
            pass


class _Truncated(Response):
    """Promises the whole body, sends half of it and cuts the connection."""

    def __init__(self, whole: Response) -> None:
        super().__init__(status_code=whole.status_code)
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self._whole.body)
        headers = [(name, value) for name, value in self._whole.raw_headers if name != b"content-length"]
        headers.append((b"content-length", str(max(1, len(body))).encode()))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0)
        drop: Callable[[], None] = scope[DROP_KEY]
        drop()
        while (await receive())["type"] != "http.disconnect":
            pass


def _streamed(answer: Response, content: AsyncIterator[bytes]) -> Response:
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return StreamingResponse(content, answer.status_code, headers)


async def _dribble(body: bytes, pause_ms: int) -> AsyncIterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]
        await asyncio.sleep(pause_ms / 1000)


async def _flood(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // len(FLOOD_CHUNK)):
        yield FLOOD_CHUNK
    yield FLOOD_CHUNK[: size % len(FLOOD_CHUNK)]
