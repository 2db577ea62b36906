"""P4: a job that has nothing to do, from claim to acknowledgement, beside four task queues on Redis.

What could cheat, and how it is closed: jobs that are skipped (every row must have SUCCEEDED afterwards, and the queue
must be empty); a start that is not paid (everybody's clock runs from the first job to the last, with all jobs enqueued
before); one hot row (jobs belong to many people); a peer that is held back (none syncs anything to disk, two of them
forget a task when its worker dies, and the best of all counts).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack

from bench.bars import Bar
from bench.figure import Figure
from bench.job_maker import JobMaker
from bench.load.empty_worker import PROVIDERS, EmptyProviders
from bench.peers.job_queues import PEERS, QueuePeer, run_peer
from bench.plan import Plan
from bench.redis_server import running_redis
from bench.rounds import OURS, Contestant, Sample, alternate
from bench.store_process import running_store
from bench.worker_round import run_worker

USER_COUNT = 200
JOBS_PER_SECOND = 1_000  # of a round's length: enough that the first and the last job do not matter
OUR_SETTINGS = (
    "one worker process with its shipped settings (32 jobs at once, receives of 10), store process, every step durable"
)
WHAT = (
    "no-op job in one worker process: claim by lease, load both connections, an empty listing without a provider call, "
    "final transaction (result, cursor, event), publish, acknowledge"
)

REASON = (
    "Neither the worker nor the store fills its core: a job waits for five round trips to the store one after the "
    "other, each durable (claim, final transaction, event, outbox, acknowledgement), and 32 jobs in flight do not fill "
    "a batch. The peers sync nothing to disk."
)


async def measure(plan: Plan) -> Sequence[Figure]:
    """Returns the rate of one worker process."""
    count = int(JOBS_PER_SECOND * plan.seconds)
    async with AsyncExitStack() as stack:
        data_dir = plan.folder / "store"
        backends = await stack.enter_async_context(running_store(data_dir))
        maker = JobMaker(backends, EmptyProviders(), PROVIDERS, people=USER_COUNT)
        await maker.make_people()
        url = await stack.enter_async_context(running_redis(plan.folder / "redis", is_durable=False))

        async def run_ours() -> Sample:
            return await run_worker("bench.load.empty_worker", data_dir, maker, backends, count=count, environment={})

        rounds = await alternate(
            [
                Contestant(OURS, OUR_SETTINGS, run_ours),
                *(Contestant(peer.name, peer.settings, _bind(peer, url, plan, count)) for peer in PEERS),
            ],
            rounds=plan.rounds,
        )
    peers = [one for name, one in rounds.items() if name != OURS]
    return [
        Figure(
            id="P4", what=WHAT, unit="jobs/s", must=Bar(5), aim=Bar(15), ours=rounds[OURS], peers=peers, reason=REASON
        )
    ]


def _bind(peer: QueuePeer, url: str, plan: Plan, count: int) -> Callable[[], Coroutine[None, None, Sample]]:
    return lambda: run_peer(peer, url, plan.folder, count=count)
