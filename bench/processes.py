"""Processes of a run: started in a group of their own, stopped by their process ids. Works under every event loop."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.rounds import BenchFailedError

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.02
LAST_CHARACTERS = 500


@asynccontextmanager
async def running(
    arguments: Sequence[str],
    is_ready: Callable[[], Awaitable[bool]],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> AsyncIterator[int]:
    """Yields the process id once `is_ready` says so; ends the process after the body. Its output goes to `log`.

    Raises:
        BenchFailedError: it ended or was not ready in time.
    """
    process = _start(arguments, log, environment, cwd)
    try:
        await _until_ready(process, is_ready, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(
    arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None, cwd: Path | None
) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if environment is None else dict(environment),
            cwd=cwd,
            process_group=0,
        )


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-LAST_CHARACTERS:]


def listens_on(port: int) -> Callable[[], Awaitable[bool]]:
    """Returns a question that is true once something takes connections at `port`."""

    async def is_ready() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return is_ready


async def _until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], Awaitable[bool]], log: Path) -> None:
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await is_ready():
                if process.poll() is not None:
                    raise BenchFailedError(f"{log.stem} ended with {process.returncode}: {_last_words(log)}")
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise BenchFailedError(f"{log.stem} was not ready within {START_SECONDS_MAX:.0f} s") from None
