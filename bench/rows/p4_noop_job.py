"""P4: a job that has nothing to do, from claim to acknowledgement, beside four task queues on Redis.

What could cheat, and how it is closed: jobs that are skipped (every row must have SUCCEEDED afterwards, and the queue
must be empty); a start that is not paid (everybody's clock runs from the first job to the last, with all jobs enqueued
before); one hot row (jobs belong to many people); a peer that is held back (none syncs anything to disk, two of them
forget a task when its worker dies, and the best of all counts).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack

from bench.bars import Bar
from bench.figure import Figure
from bench.load.empty_worker import PROVIDERS, EmptyProviders
from bench.peers.job_queues import PEERS, QueuePeer, run_peer
from bench.plan import Plan
from bench.processes import running
from bench.redis_server import running_redis
from bench.rounds import OURS, BenchFailedError, Contestant, Sample, alternate
from bench.store_process import running_store
from bench.waiters import WAITERS
from syncwell.cli.installation import project_root
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.jobs import JobId, JobMode, JobRequest, JobState, Priority
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.ports.job_queue import JobClass
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.jobs import Jobs
from syncwell.runtime.backends import Backends
from syncwell.runtime.clock import SystemClock
from syncwell.runtime.history import NoHistory
from syncwell.usecases.accept_job import AcceptJob

USER_COUNT = 200
JOBS_PER_SECOND = 1_000  # of a round's length: enough that the first and the last job do not matter
ROUND_SECONDS_MAX = 180.0
LOOK_SECONDS = 0.005
OUR_SETTINGS = (
    "one worker process with its shipped settings (32 jobs at once, receives of 10), store process, every step durable"
)
WHAT = (
    "no-op job in one worker process: claim by lease, load both connections, an empty listing without a provider call, "
    "final transaction (result, cursor, event), publish, acknowledge"
)


class JobMaker:
    """Accepts jobs of many people into a store, as the gateway does."""

    def __init__(self, backends: Backends) -> None:
        self._items = backends.items
        self._clock = SystemClock()
        self._accept = AcceptJob(
            jobs=Jobs(backends.items),
            accounts=Accounts(backends.items),
            registry=EmptyProviders(),
            queue=backends.queue,
            clock=self._clock,
            history=NoHistory(),
            id_key=bytes(32),
        )

    async def make_people(self) -> None:
        """Gives everybody an active connection at both ends."""
        accounts = Accounts(self._items)
        for place in range(USER_COUNT):
            for provider in PROVIDERS:
                await accounts.save_connection(self._connection(place, provider))

    async def accept(self, count: int) -> list[tuple[UserId, JobId]]:
        """Accepts `count` jobs, durably; returns whose they are and their ids."""
        accepted: list[tuple[UserId, JobId]] = []
        for start in range(0, count, WAITERS):
            places = range(start, min(start + WAITERS, count))
            accepted += await asyncio.gather(*(self._accept_one(place % USER_COUNT) for place in places))
        return accepted

    async def _accept_one(self, place: int) -> tuple[UserId, JobId]:
        user = _user(place)
        source, destination = (_connection_id(place, provider) for provider in PROVIDERS)
        request = JobRequest(user, source, destination, DataType.WORKOUT, JobMode.MANUAL, Priority.HIGH)
        acceptance = await self._accept.accept(request, route="bench", idempotency_key=str(uuid.uuid4()))
        return user, acceptance.job.job_id

    def _connection(self, place: int, provider: str) -> Connection:
        return Connection(
            _connection_id(place, provider),
            _user(place),
            provider,
            f"account-{place}",
            "",
            ConnectionStatus.ACTIVE,
            generation=1,
            version=1,
            created_at_ms=self._clock.now_ms(),
        )


async def measure(plan: Plan) -> Sequence[Figure]:
    """Returns the rate of one worker process."""
    count = int(JOBS_PER_SECOND * plan.seconds)
    async with AsyncExitStack() as stack:
        data_dir = plan.folder / "store"
        backends = await stack.enter_async_context(running_store(data_dir))
        maker = JobMaker(backends)
        await maker.make_people()
        url = await stack.enter_async_context(running_redis(plan.folder / "redis", is_durable=False))

        async def run_ours() -> Sample:
            return await run_worker(plan, maker, backends, count)

        rounds = await alternate(
            [
                Contestant(OURS, OUR_SETTINGS, run_ours),
                *(Contestant(peer.name, peer.settings, _bind(peer, url, plan, count)) for peer in PEERS),
            ],
            rounds=plan.rounds,
        )
    peers = [one for name, one in rounds.items() if name != OURS]
    return [Figure(id="P4", what=WHAT, unit="jobs/s", must=Bar(5), aim=Bar(15), ours=rounds[OURS], peers=peers)]


def _bind(peer: QueuePeer, url: str, plan: Plan, count: int) -> Callable[[], Coroutine[None, None, Sample]]:
    return lambda: run_peer(peer, url, plan.folder, count=count)


async def run_worker(plan: Plan, maker: JobMaker, backends: Backends, count: int) -> Sample:
    """Accepts `count` jobs, starts a worker process, and returns jobs a second from the first to the last.

    Raises:
        BenchFailedError: they were not all done in time, or one did not succeed.
    """
    accepted = await maker.accept(count)
    environment = {
        **os.environ,
        "SYNCWELL_DATA_DIR": str(plan.folder / "store"),
        "SYNCWELL_SUPERVISOR_PID": str(os.getpid()),
    }
    worker = [sys.executable, "-m", "bench.load.empty_worker"]

    async def has_begun() -> bool:
        return await backends.queue.depth(JobClass.INTERACTIVE) < count

    log = plan.folder / "empty_worker.log"
    async with running(worker, has_begun, log=log, environment=environment, cwd=project_root()):
        begun, left_at_first = time.perf_counter(), await backends.queue.depth(JobClass.INTERACTIVE)
        seconds = await _until_empty(backends, begun)
    await require_success(backends, accepted)
    return Sample(left_at_first / seconds, {"jobs": float(count)})


async def _until_empty(backends: Backends, begun: float) -> float:
    while (left := await backends.queue.depth(JobClass.INTERACTIVE)) > 0:
        if time.perf_counter() - begun > ROUND_SECONDS_MAX:
            raise BenchFailedError(f"{left} jobs were not done in {ROUND_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter() - begun


async def require_success(backends: Backends, accepted: Sequence[tuple[UserId, JobId]]) -> None:
    """Checks that every job has succeeded.

    Raises:
        BenchFailedError: one has not.
    """
    jobs, now_ms = Jobs(backends.items), SystemClock().now_ms()
    for user, job_id in accepted:
        job = await jobs.load(user, job_id, now_ms=now_ms)
        if job is None or job.state is not JobState.SUCCEEDED:
            raise BenchFailedError(f"{job_id} is {job and job.state}, not succeeded")


def _user(place: int) -> UserId:
    return UserId(f"usr_bench-{place}")


def _connection_id(place: int, provider: str) -> ConnectionId:
    return ConnectionId(f"conn_{provider}-{place}")
