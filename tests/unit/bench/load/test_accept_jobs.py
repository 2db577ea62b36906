"""The load generator of P1: what it sends, what it counts, and when it is done."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.load.accept_jobs import Book, Requests, report, run
from syncwell.cli.installation import free_port

SECONDS = 0.05
ANSWER = b'HTTP/1.1 202 Accepted\r\nContent-Length: 35\r\n\r\n{"jobId":"job_%05d","status":"ok"}  '


def _asked(port: int, *, rate: float | None = None) -> argparse.Namespace:
    return argparse.Namespace(host="127.0.0.1", port=port, connections=4, seconds=SECONDS, rate=rate)


class FakeServer(asyncio.Protocol):
    """Answers each request with the next job; `hangs_up` ends every connection at once."""

    def __init__(self, answers: list[int], ended: list[asyncio.Event], *, hangs_up: bool) -> None:
        self._answers = answers
        self._ended = asyncio.Event()
        self._hangs_up = hangs_up
        ended.append(self._ended)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._hangs_up:
            transport.close()

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"{}")):
            self._answers.append(len(self._answers))
            self._transport.write(ANSWER % len(self._answers))

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()


@asynccontextmanager
async def serving(answers: list[int], *, hangs_up: bool = False) -> AsyncIterator[int]:
    """Yields the port of a server; afterwards every connection has ended."""
    ended: list[asyncio.Event] = []
    port = free_port()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FakeServer(answers, ended, hangs_up=hangs_up), "127.0.0.1", port)
    async with server:
        yield port
        await asyncio.gather(*(one.wait() for one in ended))


def test_every_request_has_a_fresh_key() -> None:
    """No two requests share an Idempotency-Key, and each key is a UUID."""
    requests = Requests("h", "t", b"{}")

    keys = [re.search(rb"Idempotency-Key: (\S+)", requests.next()) for _ in range(100)]

    texts = {match[1] for match in keys if match}
    assert len(texts) == 100
    assert all(re.fullmatch(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) for text in texts)


def test_only_202_with_a_job_id_counts() -> None:
    """A refusal, or an answer without a job, is an error with its beginning kept."""
    book = Book()
    book.note(b"HTTP/1.1 202 Accepted", b'{"jobId":"job_1"}', 0.001)
    book.note(b"HTTP/1.1 503 Service Unavailable", b'{"detail":"later"}', 0.001)
    book.note(b"HTTP/1.1 202 Accepted", b"{}", 0.001)

    told = report(book, 2.0)

    assert (told["accepted"], told["refused"], told["rate"]) == (1, 2, 0.5)
    assert "503" in str(told["first_refusals"])


@pytest.mark.parametrize("rate", [None, 400.0])
async def test_all_that_is_sent_is_answered_and_counted(rate: float | None) -> None:
    """At full load and at a steady rate every request has its answer in the book before the run ends."""
    answers: list[int] = []
    async with serving(answers) as port:
        book, elapsed = await run(_asked(port, rate=rate), Requests("h", "t", b"{}"))

    assert len(book.job_ids) == len(answers) > 0
    assert book.errors == []
    assert elapsed > 0
    if rate is not None:
        assert len(answers) == pytest.approx(rate * SECONDS, abs=1)


async def test_a_lost_connection_is_an_error() -> None:
    """A server that hangs up does not count as fast."""
    async with serving([], hangs_up=True) as port:
        book, _ = await run(_asked(port), Requests("h", "t", b"{}"))

    assert len(book.errors) == 4
    assert "connection lost" in book.errors[0]
