"""P4, peer: Celery on Redis. `python -m bench.peers.noop_celery COUNT` enqueues."""

from __future__ import annotations

import os
import sys

from celery import Celery  # type: ignore[import-untyped]  # it ships none

from bench.peers.noop_tally import Tally

tally = Tally()
app = Celery("noop", broker=os.environ["BENCH_REDIS"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=128, task_acks_late=True)


@app.task(name="work")  # type: ignore[untyped-decorator]  # Celery has no types
def work(_number: int) -> None:
    """Does nothing."""
    tally.note()


if __name__ == "__main__":
    with app.pool.acquire() as connection:
        for place in range(int(sys.argv[1])):
            work.apply_async((place,), connection=connection)
