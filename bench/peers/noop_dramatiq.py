"""P4, peer: dramatiq on Redis."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers.noop_tally import Tally

tally = Tally()
broker = RedisBroker(url=os.environ["BENCH_REDIS"], middleware=[])  # type: ignore[no-untyped-call]  # it has no types
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="work")
def work(_number: int) -> None:
    """Does nothing."""
    tally.note()


def enqueue(count: int) -> None:
    """Enqueues `count` tasks."""
    for place in range(count):
        work.send(place)
