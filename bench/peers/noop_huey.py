"""P4, peer: huey on Redis. `python -m bench.peers.noop_huey COUNT` enqueues."""

from __future__ import annotations

import os
import sys

from huey import RedisHuey  # type: ignore[import-untyped]  # it ships none

from bench.peers.noop_tally import Tally

tally = Tally()
huey = RedisHuey("noop", url=os.environ["BENCH_REDIS"], results=False)


@huey.task()  # type: ignore[untyped-decorator]  # huey has no types
def work(_number: int) -> None:
    """Does nothing."""
    tally.note()


if __name__ == "__main__":
    from bench.peers import noop_huey  # huey names tasks by module, and the worker knows none of `__main__`

    for place in range(int(sys.argv[1])):
        noop_huey.work(place)
