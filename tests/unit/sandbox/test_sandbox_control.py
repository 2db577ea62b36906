"""The control API and the process of a sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.strava.sandbox import StravaSandbox
from tests.unit.sandbox.driver import Driver, driving

PACKAGES = Path(__file__).parents[3] / "python"


async def start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "syncwell.sandbox", *arguments)
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=environment)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/users", {"name": "no id"}, 400),
        ("/users", {"id": "1", "timezone": "Mars/Base"}, 400),
        ("/records", {"user_id": "nobody", "start": "2026-03-01T07:00:00Z", "elapsed_seconds": 1}, 404),
        ("/records", {"user_id": "77", "elapsed_seconds": 1}, 400),
        ("/records", {"user_id": "77", "start": "2026-03-01T07:00:00", "elapsed_seconds": 1}, 400),
        ("/records", {"user_id": "77", "file": "AAAA"}, 400),
        ("/settings", {"no_such_switch": 1}, 400),
        ("/settings", {"quarter_limit": "many"}, 400),
        ("/clock", {"advance_seconds": "x"}, 400),
        ("/sign-in", {"user_id": "nobody"}, 404),
        ("/grants", {"user_id": "nobody"}, 404),
    ],
)
async def test_wrong_orders_are_told(strava: Driver, path: str, body: dict[str, object], status: int) -> None:
    """A wrong order changes nothing and says what is wrong."""
    answer = await strava.call("POST", f"/_control{path}", json=body)

    assert answer.status == status
    assert answer.json["error"]


async def test_deeply_nested_json_is_refused(strava: Driver) -> None:
    """A JSON bomb is a bad request, not a crash."""
    answer = await strava.call("POST", "/_control/users", data=b"[" * 100_000)

    assert answer.status == 400


async def test_clock_freezes_moves_and_thaws(strava: Driver) -> None:
    """A frozen clock moves only by order; a thawed one runs on from there."""
    await strava.control("POST", "/clock", {"advance_seconds": 30})
    frozen = (await strava.control("GET", "/clock"))["now_ms"]
    await strava.control("POST", "/clock", {"thaw": True})
    running = (await strava.control("GET", "/clock"))["now_ms"]

    assert frozen == 1_773_133_650_000
    assert 0 <= running - frozen < 10_000


@pytest.mark.parametrize("make", [StravaSandbox, GarminSandbox])
async def test_control_is_there_before_anything_is_seeded(make: type[StravaSandbox] | type[GarminSandbox]) -> None:
    """An empty sandbox is healthy, and a consent without people is told, not crashed on."""
    async with driving(make) as driver:
        health = await driver.control("GET", "/health")

    assert (health["provider"], health["ready"]) == (make.provider, True)


async def test_process_tells_its_url_and_ends_in_order() -> None:
    """The first line is JSON with the bound URL; SIGTERM ends the process with 0."""
    process = await start("garmin", "--port", "0")
    assert process.stdout is not None
    line = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    async with aiohttp.ClientSession() as session, session.get(f"{line['url']}/_control/health") as answer:
        health = await answer.json()
    process.send_signal(signal.SIGTERM)

    assert (line["provider"], health["provider"]) == ("garmin", "garmin")
    assert await asyncio.wait_for(process.wait(), 20) == 0
    await process.communicate()


async def test_taken_port_is_told() -> None:
    """A process that cannot listen says so and what to do."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        process = await start("strava", "--port", str(holder.getsockname()[1]))
        _, errors = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 3
    assert b"choose another --port" in errors


def test_sandbox_and_providers_do_not_know_each_other() -> None:
    """No file of the sandbox names the adapters."""
    files = list((PACKAGES / "syncwell" / "sandbox").rglob("*.py"))

    assert len(files) > 30
    assert not [path for path in files if "syncwell.providers" in path.read_text()]
