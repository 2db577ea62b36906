"""Calls an application back, as providers do: one short request with a hard deadline and no redirects."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

ANSWER_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the application answered; status 0 means nothing usable within the deadline."""

    status: int
    content_type: str = ""
    body: bytes = b""


SILENCE = CallbackAnswer(0)


async def call_back(method: str, url: str, body: bytes, *, deadline: timedelta) -> CallbackAnswer:
    """Sends one request and reads the whole answer; gives `SILENCE` at the deadline or when the network fails."""
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            return _parse(await _exchange(method, url, body))
    except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
        return SILENCE


async def _exchange(method: str, url: str, body: bytes) -> bytes:
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # HTTP/1.0 keeps the answer in one piece: no chunks, and the server closes the connection behind it.
        head = (
            f"{method} {target} HTTP/1.0\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        return await _read(reader)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while len(read) <= ANSWER_BYTES_MAX:
        chunk = await reader.read(ANSWER_BYTES_MAX)
        if not chunk:
            break
        read += chunk
    return read


def _parse(answer: bytes) -> CallbackAnswer:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ", 2)[1]) if first.startswith("HTTP/") and first.count(" ") else 0
    fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return CallbackAnswer(status, fields.get("content-type", ""), body)
