"""P4, peer: taskiq on Redis; BENCH_BROKER picks list or stream."""

from __future__ import annotations

import asyncio
import os

from taskiq_redis import ListQueueBroker, RedisStreamBroker

from bench.peers.noop_tally import Tally

IN_FLIGHT = 64

tally = Tally()
broker: ListQueueBroker | RedisStreamBroker = (
    ListQueueBroker(os.environ["BENCH_REDIS"])
    if os.environ["BENCH_BROKER"] == "list"
    else RedisStreamBroker(os.environ["BENCH_REDIS"], consumer_id="0")
)


@broker.task(task_name="work")
async def work(_number: int) -> None:
    """Does nothing."""
    tally.note()


def enqueue(count: int) -> None:
    """Enqueues `count` tasks."""
    asyncio.run(_enqueue(count))


async def _enqueue(count: int) -> None:
    await broker.startup()
    for start in range(0, count, IN_FLIGHT):
        await asyncio.gather(*(work.kiq(number) for number in range(start, min(start + IN_FLIGHT, count))))
    await broker.shutdown()
