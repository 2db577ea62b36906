"""A real redis-server of our own: a free port, a folder of its own, stopped by its process id."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import redis.asyncio as redis_client
from redis.exceptions import RedisError

from bench.processes import running
from bench.rounds import BenchFailedError
from syncwell.cli.installation import free_port

VERSION_SECONDS_MAX = 10.0


def redis_version() -> str:
    """Returns the version of the installed server, or an empty text where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        return ""
    answer = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True, timeout=VERSION_SECONDS_MAX
    )
    return answer.stdout.split("v=")[1].split()[0]


@asynccontextmanager
async def running_redis(folder: Path, *, is_durable: bool) -> AsyncIterator[str]:
    """Yields the URL of a running server; `is_durable` syncs every write before its answer.

    Raises:
        BenchFailedError: there is no redis-server here, or it does not start.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise BenchFailedError("redis-server is not installed; apt-get install redis-server")
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    port = free_port()
    arguments = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    arguments += ["--appendonly", "yes", "--appendfsync", "always"] if is_durable else ["--appendonly", "no"]
    url = f"redis://127.0.0.1:{port}/0"
    async with running(arguments, lambda: _answers(url), log=folder / "redis.log"):
        yield url


async def _answers(url: str) -> bool:
    client = redis_client.Redis.from_url(url)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
