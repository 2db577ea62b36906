"""The README's commands, run as they are printed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syncwell.cli.installation import free_port, http_probe, project_root

START_SECONDS_MAX = 90
README_PORT = "8080"


def commands() -> list[str]:
    """Returns the commands of the block that this test runs."""
    text = (project_root() / "README.md").read_text("utf-8")
    found = re.search(r"<!-- run by tests/e2e/test_readme.py -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1].splitlines()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """`syncwell up --sandbox` on a port that is free here, whatever else runs on the machine."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(project_root() / ".venv" / "bin" / "syncwell"),
        "up",
        "--sandbox",
        "--port",
        str(port),
        env={"PATH": os.environ["PATH"], "SYNCWELL_DATA_DIR": str(tmp_path / "data"), "SYNCWELL_LOG_LEVEL": "WARNING"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    is_ready = http_probe(f"http://127.0.0.1:{port}/readyz")
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await is_ready():
                assert process.returncode is None
                await asyncio.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            assert await process.wait() == 0


@pytest.mark.timeout(240)
async def test_the_commands_of_the_readme_run_as_printed(port: int, tmp_path: Path) -> None:
    """Every line of the README's block succeeds, and the job that it asks for is accepted."""
    script = "\n".join(["set -eu", *commands()]).replace(README_PORT, str(port))
    script = script.replace("syncwell connect garmin", f"syncwell connect garmin --gateway http://127.0.0.1:{port}")
    script = script.replace("syncwell connect strava", f"syncwell connect strava --gateway http://127.0.0.1:{port}")
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=project_root(),
        env={"PATH": os.environ["PATH"], "SYNCWELL_DATA_DIR": str(tmp_path / "data")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    accepted = [answer for answer in json_in(out.decode()) if answer.get("status") == "QUEUED"]
    assert len(accepted) == 1, out.decode()


def json_in(text: str) -> list[dict[str, object]]:
    """Returns the objects that curl printed one after the other."""
    decoder, found = json.JSONDecoder(), []
    while (start := text.find("{")) >= 0:
        answer, end = decoder.raw_decode(text, start)
        found.append(answer)
        text = text[end:]
    return found
