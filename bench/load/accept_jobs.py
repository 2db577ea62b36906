"""`python -m bench.load.accept_jobs`: posts sync jobs over keep-alive connections and reports what came back.

A process of its own, so that it shares no event loop with what it measures. Every request has a fresh
Idempotency-Key; every answer must be 202 with a job id. Without `--rate` each connection sends its next request when
the last is answered; with it requests are due at even times, and a request's latency counts from when it was due.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import uvloop

from bench.waiters import percentiles

ANSWER_SECONDS_MAX = 30.0
TICK_SECONDS = 0.001
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_JOB_ID = re.compile(rb'"jobId": ?"([^"]+)"')


class Book:
    """What was answered."""

    def __init__(self) -> None:
        self.job_ids: list[str] = []
        self.seconds: list[float] = []
        self.errors: list[str] = []

    def note(self, head: bytes, body: bytes, seconds: float) -> None:
        """Takes down one answer."""
        match = _JOB_ID.search(body)
        if head.startswith(b"HTTP/1.1 202 ") and match is not None:
            self.job_ids.append(match[1].decode())
            self.seconds.append(seconds)
        else:
            self.errors.append((head[:40] + body[:160]).decode("latin-1"))


class Requests:
    """Makes requests: the same head and body, a fresh key each."""

    def __init__(self, target: str, token: str, body: bytes) -> None:
        self._before = (
            f"POST /v1/sync-jobs HTTP/1.1\r\nHost: {target}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: "
        ).encode()
        self._after = b"\r\n\r\n" + body
        self._prefix = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}-8000-"
        self._count = 0

    def next(self) -> bytes:
        """Returns a request that was never sent before."""
        self._count += 1
        return self._before + f"{self._prefix}{self._count:012x}".encode() + self._after


class Caller(asyncio.Protocol):
    """One connection, one request at a time; tells `on_free` when it may send again."""

    def __init__(self, requests: Requests, book: Book, load: Load) -> None:
        self._requests = requests
        self._book = book
        self._load = load
        self._buffer = b""
        self._due = 0.0
        self._is_done = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._load.is_free(self)

    def send(self, due: float) -> None:
        """Sends a request that was due at `due`."""
        assert self._transport is not None
        self._due = due
        self._transport.write(self._requests.next())

    def data_received(self, data: bytes) -> None:
        """Collects an answer."""
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        match = _LENGTH.search(head)
        if not separator or match is None or len(rest) < int(match[1]):
            return
        self._buffer = b""
        self._book.note(head, rest, time.perf_counter() - self._due)
        self._load.is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that ends under a request loses it."""
        if not self._is_done:
            self._book.errors.append(f"connection lost: {exc!r}")
            self._load.is_gone(self)

    def close(self) -> None:
        """Ends in order."""
        self._is_done = True
        if self._transport is not None:
            self._transport.close()


class Load:
    """Hands requests to free callers until the time is over, and knows when all have their answer."""

    def __init__(self, *, connections: int, seconds: float, rate: float | None) -> None:
        self._left = connections
        self._rate = rate
        self._until = time.perf_counter() + seconds
        self._free: deque[Caller] = deque()
        self._due: deque[float] = deque()
        self.ended = asyncio.Event()

    def is_free(self, caller: Caller) -> None:
        """Gives a caller its next request, a place among the waiting, or its end."""
        now = time.perf_counter()
        if self._due:
            caller.send(self._due.popleft())
        elif now >= self._until:
            self.is_gone(caller)
        elif self._rate is None:
            caller.send(now)
        else:
            self._free.append(caller)

    def is_gone(self, caller: Caller) -> None:
        """Counts a caller out."""
        caller.close()
        self._left -= 1
        if self._left == 0:
            self.ended.set()

    async def keep_pace(self) -> None:
        """Makes requests due at even times."""
        if self._rate is None:
            return
        interval = 1 / self._rate
        due = time.perf_counter()
        while due < self._until:
            while due <= time.perf_counter() and due < self._until:
                if self._free:
                    self._free.popleft().send(due)
                else:
                    self._due.append(due)
                due += interval
            await asyncio.sleep(TICK_SECONDS)
        while self._free:
            self.is_gone(self._free.popleft())


async def run(asked: argparse.Namespace, requests: Requests) -> tuple[Book, float]:
    """Drives the load; returns what came back and how long it took."""
    book = Book()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    load = Load(connections=asked.connections, seconds=asked.seconds, rate=asked.rate)
    for _ in range(asked.connections):
        await loop.create_connection(lambda: Caller(requests, book, load), asked.host, asked.port)
    async with asyncio.timeout(asked.seconds + ANSWER_SECONDS_MAX):
        await load.keep_pace()
        await load.ended.wait()
    elapsed = time.perf_counter() - begun
    return book, elapsed


def report(book: Book, elapsed: float) -> dict[str, object]:
    """Returns what came back, as one JSON object."""
    latencies = percentiles(book.seconds) if book.seconds else {}
    return {
        "rate": len(book.job_ids) / elapsed,
        "accepted": len(book.job_ids),
        "refused": len(book.errors),
        "first_refusals": book.errors[:3],
        "seconds": elapsed,
        **latencies,
    }


def main() -> int:
    """Runs; prints one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.accept_jobs")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float, default=None)
    for name in ("token-file", "body-file", "ids-file"):
        parser.add_argument(f"--{name}", required=True)
    asked = parser.parse_args()
    token, body = (Path(name).read_text().strip() for name in (asked.token_file, asked.body_file))
    requests = Requests(f"{asked.host}:{asked.port}", token, body.encode())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        book, elapsed = runner.run(run(asked, requests))
    Path(asked.ids_file).write_text("\n".join(book.job_ids))
    print(json.dumps(report(book, elapsed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
