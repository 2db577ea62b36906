"""P1: accepting a sync job over REST, durably, beside FastAPI, gRPC and SQLite with a commit a row.

What could cheat, and how it is closed: answers before the disk has the job (after each round every job that was
answered must be a row of the store's file, and the folder must be on a disk); repetitions answered from memory (every
request has a fresh key); errors that count as speed (each answer must be 202 with a job id, a lost or refused one
fails the row); a load generator that shares the server's loop (it is a process of its own).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import jwt

from bench.accept_round import Target, send_jobs
from bench.bars import Bar, at_least, at_most
from bench.figure import Figure
from bench.installation import Installation, running_installation
from bench.peers.accept_api import ALGORITHM, AUDIENCE
from bench.plan import Plan
from bench.processes import listens_on, running
from bench.rounds import OURS, Contestant, Rounds, Sample, alternate
from bench.waiters import WAITERS
from syncwell.cli.installation import free_port, project_root

PEER = "FastAPI + grpc.aio + SQLite"
PEER_SETTINGS = (
    "uvicorn (uvloop, httptools, one worker, no access log), JWT verdict cached, grpc.aio unary over a Unix socket "
    "(uvloop), SQLite WAL, synchronous FULL, a commit a row in a thread of its own"
)
OUR_SETTINGS = "all services but the worker as `syncwell up` starts them: gateway, store process, one person"
WHAT = (
    f"REST accept of POST /v1/sync-jobs, {WAITERS} connections, durable before 202; jobs only gather, as the worker is "
    "not started; no limit a user on either side"
)
REASON = (
    "The gateway uses most of its core: a profile shows the HTTP server's cycle, the edge, three reads "
    "of the store's file and two gRPC batches a request. A 202 also waits for two durable commits one after the other: "
    "the job's row, then the hint to the workers."
)
SUSTAINED_RATE = 3_000.0
SUSTAINED_SECONDS = 300.0
TOKEN_SECONDS = 4 * 3_600
_OUR_IDS = "SELECT substr(sort, 5) FROM items WHERE sort >= 'JOB#' AND sort < 'JOB$'"
_PEER_IDS = "SELECT job_id FROM jobs"


async def measure(plan: Plan) -> Sequence[Figure]:
    """Returns the rate at full load, and in a full run the five minutes at a steady rate."""
    async with AsyncExitStack() as stack:
        ours = _target_of(
            await stack.enter_async_context(running_installation(plan.folder / "ours", without={"sync_worker"}))
        )
        peer = await stack.enter_async_context(_running_peer(plan.folder / "peer"))
        plan.say("both serve")
        rounds = await alternate(
            [
                Contestant(OURS, OUR_SETTINGS, _bind(plan, ours, "ours")),
                Contestant(PEER, PEER_SETTINGS, _bind(plan, peer, "peer")),
            ],
            rounds=plan.rounds,
        )
        sustained = await _sustain(plan, ours) if plan.is_full else None
    figure = Figure(
        id="P1.rate",
        what=WHAT,
        unit="1/s",
        must=Bar(5),
        aim=Bar(8, (at_least("ours", 18_000, "1/s"), at_most("p99_ms", 15, "ms"))),
        ours=rounds[OURS],
        peers=[rounds[PEER]],
        reason=REASON,
    )
    return [figure] if sustained is None else [figure, sustained]


async def _sustain(plan: Plan, target: Target) -> Figure:
    plan.say(f"{SUSTAINED_RATE:g} a second for {SUSTAINED_SECONDS:g} s")
    sample = await send_jobs(plan.folder, target, "sustained", seconds=SUSTAINED_SECONDS, rate=SUSTAINED_RATE)
    limits = (
        at_least("ours", SUSTAINED_RATE * 0.999, "1/s"),
        at_least("seconds", SUSTAINED_SECONDS, "s"),
        at_most("refused", 0),
    )
    return Figure(
        id="P1.sustained",
        what=f"REST accept at a steady {SUSTAINED_RATE:,.0f} requests a second, latency from when each was due",
        unit="1/s",
        must=Bar(None, (*limits, at_most("p99_ms", 50, "ms"))),
        aim=Bar(None, (*limits, at_most("p99_ms", 15, "ms"))),
        ours=Rounds(OURS, OUR_SETTINGS, [sample]),
        warm_up="the rounds before",
        absence="The bar is absolute; no peer is driven at this rate.",
    )


def _bind(plan: Plan, target: Target, name: str) -> Callable[[], Coroutine[None, None, Sample]]:
    return lambda: send_jobs(plan.folder, target, name, seconds=plan.seconds, rate=None)


def _target_of(installation: Installation) -> Target:
    return Target(
        installation.gateway.port,
        installation.token,
        installation.source,
        installation.destination,
        installation.settings.store_path,
        _OUR_IDS,
    )


@asynccontextmanager
async def _running_peer(folder: Path) -> AsyncIterator[Target]:
    await asyncio.to_thread(folder.mkdir)
    port, key, database = free_port(), secrets.token_hex(32), folder / "peer.db"
    socket_path = folder / "store.sock"
    store = [sys.executable, "-m", "bench.peers.accept_store", "--database", str(database)]
    store += ["--address", f"unix:{socket_path}"]
    api = [sys.executable, "-m", "uvicorn", "bench.peers.accept_api:make_app", "--factory", "--port", str(port)]
    api += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    environment = {"BENCH_JWT_KEY": key, "BENCH_DATABASE": str(database), "BENCH_STORE": f"unix:{socket_path}"}

    async def is_store_ready() -> bool:
        return await asyncio.to_thread(socket_path.exists)

    root = project_root()
    async with (
        running(store, is_store_ready, log=folder / "peer-store.log", cwd=root),
        running(
            api, listens_on(port), log=folder / "peer-api.log", environment={**os.environ, **environment}, cwd=root
        ),
    ):
        claims = {"sub": "usr_bench", "aud": AUDIENCE, "exp": int(time.time()) + TOKEN_SECONDS}
        token = jwt.encode(claims, key, algorithm=ALGORITHM)
        yield Target(port, token, "conn_garmin", "conn_strava", database, _PEER_IDS)
