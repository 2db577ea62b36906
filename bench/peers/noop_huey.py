"""P4, peer: huey on Redis."""

from __future__ import annotations

import os

from huey import RedisHuey  # type: ignore[import-untyped]  # it ships none

from bench.peers.noop_tally import Tally

tally = Tally()
huey = RedisHuey("noop", url=os.environ["BENCH_REDIS"], results=False)


@huey.task()  # type: ignore[untyped-decorator]  # huey has no types
def work(_number: int) -> None:
    """Does nothing."""
    tally.note()


def enqueue(count: int) -> None:
    """Enqueues `count` tasks."""
    for place in range(count):
        work(place)
