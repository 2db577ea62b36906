"""P4, peer: dramatiq on Redis. `python -m bench.peers.noop_dramatiq COUNT` enqueues."""

from __future__ import annotations

import os
import sys

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


if __name__ == "__main__":
    for place in range(int(sys.argv[1])):
        work.send(place)
