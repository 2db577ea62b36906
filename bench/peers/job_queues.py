"""P4, peers: how each library's worker is started, and a round of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis.asyncio as redis_client

from bench.processes import running
from bench.rounds import BenchFailedError, Sample
from syncwell.cli.installation import project_root

ROUND_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class QueuePeer:
    """A library: its module here, and the arguments of its worker after `python -m`."""

    name: str
    settings: str
    module: str
    worker: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


PEERS = (
    QueuePeer(
        "taskiq (list)",
        "ListQueueBroker (at most once), one process, 64 async tasks, no result backend",
        "bench.peers.noop_taskiq",
        ("taskiq", "worker", "bench.peers.noop_taskiq:broker", "--workers", "1", "--max-async-tasks", "64"),
        {"BENCH_BROKER": "list"},
    ),
    QueuePeer(
        "taskiq (stream)",
        "RedisStreamBroker (at least once), one process, 64 async tasks, no result backend",
        "bench.peers.noop_taskiq",
        ("taskiq", "worker", "bench.peers.noop_taskiq:broker", "--workers", "1", "--max-async-tasks", "64"),
        {"BENCH_BROKER": "stream"},
    ),
    QueuePeer(
        "dramatiq",
        "Redis broker (at least once), one process, 8 threads, no middleware",
        "bench.peers.noop_dramatiq",
        ("dramatiq", "bench.peers.noop_dramatiq", "--processes", "1", "--threads", "8"),
    ),
    QueuePeer(
        "Celery",
        "Redis broker, solo pool in one process, late acknowledgement, prefetch 128, no results, gossip or mingle",
        "bench.peers.noop_celery",
        (
            *("celery", "-A", "bench.peers.noop_celery", "worker", "--pool", "solo", "--loglevel", "ERROR"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
    ),
    QueuePeer(
        "huey",
        "Redis (at most once), one process, 4 threads, no results, no scheduler of periodic tasks",
        "bench.peers.noop_huey",
        ("huey.bin.huey_consumer", "bench.peers.noop_huey.huey", "-k", "thread", "-w", "4", "-n", "-q"),
    ),
)


async def run_peer(peer: QueuePeer, url: str, folder: Path, *, count: int) -> Sample:
    """Enqueues `count` tasks, starts one worker process, and returns tasks a second from the first to the last.

    Raises:
        BenchFailedError: not all were run in time.
    """
    client = redis_client.Redis.from_url(url)
    await client.flushall()
    await client.aclose()
    tally = folder / "tally"
    await asyncio.to_thread(tally.unlink, missing_ok=True)
    environment = {
        **os.environ,
        **peer.environment,
        "BENCH_REDIS": url,
        "BENCH_COUNT": str(count),
        "BENCH_TALLY": str(tally),
        "PYTHONPATH": str(project_root()),
    }
    # Imported, not run with -m: libraries name tasks by module, and the worker knows none of `__main__`.
    enqueue = [sys.executable, "-c", f"from {peer.module} import enqueue; enqueue({count})"]
    await asyncio.to_thread(
        subprocess.run, enqueue, env=environment, cwd=project_root(), check=True, timeout=ROUND_SECONDS_MAX
    )
    worker = [sys.executable, "-m", *peer.worker]
    log = folder / f"{peer.module.rpartition('.')[2]}.log"
    async with running(worker, _at_once, log=log, environment=environment, cwd=project_root()):
        seconds = await _wait_for(tally, peer, log)
    return Sample((count - 1) / seconds, {"jobs": float(count)})


async def _at_once() -> bool:
    return True


async def _wait_for(tally: Path, peer: QueuePeer, log: Path) -> float:
    for _ in range(int(ROUND_SECONDS_MAX / LOOK_SECONDS)):
        await asyncio.sleep(LOOK_SECONDS)
        text = await asyncio.to_thread(lambda: tally.read_text() if tally.exists() else "")
        if text:
            return float(text)
    words = await asyncio.to_thread(log.read_text)
    raise BenchFailedError(f"{peer.name} did not run all tasks in {ROUND_SECONDS_MAX:.0f} s: {words[-400:]}")
