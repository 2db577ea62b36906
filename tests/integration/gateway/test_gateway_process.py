"""The gateway as a process: how it starts, refuses to start, and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from starlette.types import Receive, Scope, Send

from services.gateway.server import bind, serving
from tests.contract.store_process import ROOT, StoreProcess

SECONDS_MAX = 20.0


def environment(data_dir: Path, port: int, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "python"),
        "SYNCWELL_DATA_DIR": str(data_dir),
        "SYNCWELL_GATEWAY_PORT": str(port),
        **more,
    }


def start(data_dir: Path, port: int, **more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "services.gateway"]
    return subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=ROOT, env=environment(data_dir, port, **more), stderr=subprocess.PIPE
    )


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_taken_port_stops_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    """A port in use ends the process with code 2 and names port and variable."""
    with taken_port() as port:
        process = start(tmp_path, port)
        _, errors = process.communicate(timeout=SECONDS_MAX)

    assert process.returncode == 2
    assert str(port) in errors.decode()
    assert "SYNCWELL_GATEWAY_PORT" in errors.decode()
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SYNCWELL_GATEWAY_PORT": "http"}, "SYNCWELL_GATEWAY_PORT"),
        ({"SYNCWELL_PROFILE": "production"}, "SYNCWELL_FIREBASE_PROJECT"),
        ({"SYNCWELL_COGNITO_ISSUER": "https://pool.example"}, "SYNCWELL_COGNITO_CLIENT_ID"),
        ({"SYNCWELL_GATEWAY_HOST": "192.0.2.1"}, "SYNCWELL_GATEWAY_HOST"),
    ],
)
def test_wrong_settings_stop_the_start_and_are_named(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    """A wrong or missing setting ends the process with code 2 and one line that names it."""
    process = start(tmp_path, 0, **settings)
    _, errors = process.communicate(timeout=SECONDS_MAX)

    assert process.returncode == 2
    assert words in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_process_serves_and_ends_in_order(tmp_path: Path) -> None:
    """Beside its store it is healthy, tells that credentials are missing, and ends with code 0 on SIGTERM."""
    store = StoreProcess(tmp_path)
    store.start()
    port = free_port()
    process = start(tmp_path, port)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            health = await _first_answer(session, "/healthz", process)
            async with session.get("/readyz") as answer:
                readiness = await answer.json()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=SECONDS_MAX)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        store.end()

    assert health == {"status": "ok"}
    assert readiness["checks"] == {"store": "ok", "credentials": "unavailable"}
    assert process.returncode == 0, errors.decode()


async def _first_answer(session: aiohttp.ClientSession, path: str, process: subprocess.Popen[bytes]) -> object:
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            async with session.get(path) as answer:
                return await answer.json()
        except aiohttp.ClientConnectionError:
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < deadline, "the gateway did not start in time"


async def test_running_request_is_answered_before_the_server_ends() -> None:
    """A server that is told to stop takes nothing new, and answers what it had begun."""
    may_go, has_begun = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        has_begun.set()
        await may_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})

    listener = bind("127.0.0.1", 0, backlog=8)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with aiohttp.ClientSession() as session:

        async def ask() -> str:
            async with session.get(url) as answer:
                return await answer.text()

        async with serving(app, listener, connections_max=10, drain_seconds=5):
            running = asyncio.create_task(ask())
            await has_begun.wait()
            asyncio.get_running_loop().call_later(0.2, may_go.set)  # after the server has begun to end

        assert await running == "done"
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask()
