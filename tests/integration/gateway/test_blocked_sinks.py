"""F58: nobody reads the log and the collector of spans hangs; requests are served as ever."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from tests.contract.store_process import ROOT
from tests.integration.gateway.test_gateway_process import SECONDS_MAX, _first_answer, environment, free_port

REQUESTS = 100


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """A pipe that takes not one byte more, with a reader that never reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4_096)
    os.set_blocking(writer, True)  # whoever writes carelessly now waits for ever
    try:
        yield writer
    finally:
        os.close(writer)
        os.close(reader)


async def test_requests_are_served_though_nobody_reads_log_or_spans(tmp_path: Path) -> None:
    """With a full log pipe and a silent collector requests are answered in time, drops counted, and the end comes."""
    with socket.socket() as silent, full_pipe() as errors:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = free_port()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "services.gateway"],
            cwd=ROOT,
            env=environment(tmp_path, port, SYNCWELL_OTLP_ENDPOINT=endpoint),
            stderr=errors,
            stdout=subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await _first_answer(session, "/healthz", process)
                slowest = max([await _seconds_of(session) for _ in range(REQUESTS)])
                async with session.get("/metrics") as answer:
                    metrics = await answer.text()
            process.send_signal(signal.SIGTERM)
            code = process.wait(SECONDS_MAX)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    assert slowest < 2.0
    assert code == 0
    dropped = re.search(r'syncwell_log_lines_dropped_total\{service="gateway"\} (\S+)', metrics)
    assert dropped is not None
    assert float(dropped[1]) > 0


async def _seconds_of(session: aiohttp.ClientSession) -> float:
    began = time.perf_counter()
    async with session.get("/healthz") as answer:
        assert answer.status == 200
    return time.perf_counter() - began
