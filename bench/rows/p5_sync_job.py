"""P5: a whole sync job of two workouts that both services hold, beside Celery, Redis and aiohttp in plain Python.

What could cheat, and how it is closed: a slow provider that hides the rest (the stub answers from memory, and both
sides make the same calls, which it counts); jobs without work (each job belongs to a person of its own, so each one
matches two pairs and writes two links; every row must have SUCCEEDED); a peer that is held back (it has the same
resolver in Python as P12's peer, one loop and one HTTP session for all tasks, and its state is never synced to disk).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp

from bench.bars import Bar, at_least
from bench.figure import Figure
from bench.job_maker import JobMaker
from bench.load.stub_worker import stub_settings
from bench.peers.job_queues import QueuePeer, run_peer
from bench.plan import Plan
from bench.processes import listens_on, running
from bench.redis_server import running_redis
from bench.rounds import OURS, BenchFailedError, Contestant, Sample, alternate
from bench.store_process import running_store
from bench.worker_round import run_worker
from syncwell.cli.installation import free_port, project_root
from syncwell.providers.registry import InstalledProviders
from syncwell.runtime.clock import SystemClock

JOBS_PER_SECOND = 300  # of a round's length
CALLS_PER_JOB = 4  # two days of Garmin's uploads, a page of Strava and its empty end
OUR_SETTINGS = (
    "one worker process with its shipped settings (32 jobs at once), real adapters and metered client, token in the "
    "worker's cache, call limits out of the way, store process, every step durable"
)
WHAT = (
    f"whole sync job of a person's first sync of two workouts in one worker process: claim, credential, "
    f"{CALLS_PER_JOB} provider calls to a stub, resolve, ledger, commit, publish, acknowledge"
)
REASON = (
    "Not profiled by itself yet. A job makes the durable round trips of P4 and more for its ledger, all one after the "
    "other; the peer's state is in Redis and syncs nothing to disk."
)
PEER = QueuePeer(
    "Celery + Redis + aiohttp",
    "one process, pool of 32 threads over one event loop and HTTP session, late acknowledgement, not durable",
    "bench.peers.sync_celery",
    (
        *("celery", "-A", "bench.peers.sync_celery", "worker", "--pool", "threads", "--concurrency", "32"),
        *("--loglevel", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    ),
)


async def measure(plan: Plan) -> Sequence[Figure]:
    """Returns the rate of one worker process."""
    count = int(JOBS_PER_SECOND * plan.seconds)
    async with AsyncExitStack() as stack:
        origin = await _start_stub(plan, stack)
        data_dir = plan.folder / "store"
        backends = await stack.enter_async_context(running_store(data_dir))
        registry = InstalledProviders(stub_settings(origin), SystemClock())
        stack.push_async_callback(registry.aclose)
        maker = JobMaker(backends, registry, ("garmin", "strava"), people=count * (plan.rounds + 1))
        await maker.make_people()
        url = await stack.enter_async_context(running_redis(plan.folder / "redis", is_durable=False))
        peer = replace(PEER, environment={"BENCH_STUB": origin})
        environment = {"BENCH_STUB": origin, "SYNCWELL_FIRST_WINDOW_DAYS": "1"}

        async def run_ours() -> Sample:
            return await run_worker(
                "bench.load.stub_worker", data_dir, maker, backends, count=count, environment=environment
            )

        rounds = await alternate(
            [
                Contestant(OURS, OUR_SETTINGS, _counted(run_ours, origin, count)),
                Contestant(
                    peer.name,
                    peer.settings,
                    _counted(lambda: run_peer(peer, url, plan.folder, count=count), origin, count),
                ),
            ],
            rounds=plan.rounds,
        )
    return [
        Figure(
            id="P5",
            what=WHAT,
            unit="jobs/s",
            must=Bar(3, (at_least("ours", 600, "jobs/s"),)),
            aim=Bar(5, (at_least("ours", 1_500, "jobs/s"),)),
            ours=rounds[OURS],
            peers=[rounds[peer.name]],
            reason=REASON,
        )
    ]


async def _start_stub(plan: Plan, stack: AsyncExitStack) -> str:
    port = free_port()
    arguments = [sys.executable, "-m", "bench.load.stub_provider", "--port", str(port)]
    await stack.enter_async_context(
        running(arguments, listens_on(port), log=plan.folder / "stub_provider.log", cwd=project_root())
    )
    return f"http://127.0.0.1:{port}"


def _counted(
    run: Callable[[], Coroutine[None, None, Sample]], origin: str, count: int
) -> Callable[[], Coroutine[None, None, Sample]]:
    """Adds the provider calls a job to a round's facts; fails a round that made fewer than its jobs need."""

    async def counted() -> Sample:
        before = await _call_count(origin)
        sample = await run()
        calls = (await _call_count(origin) - before) / count
        if calls < CALLS_PER_JOB:
            raise BenchFailedError(f"only {calls:.2f} provider calls a job were made")
        return replace(sample, facts={**sample.facts, "calls_per_job": calls})

    return counted


async def _call_count(origin: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{origin}/count") as answer:
        return int(await answer.text())
