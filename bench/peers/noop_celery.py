"""P4, peer: Celery on Redis."""

from __future__ import annotations

import os

from celery import Celery  # type: ignore[import-untyped]  # it ships none

from bench.peers.noop_tally import Tally

tally = Tally()
app = Celery("noop", broker=os.environ["BENCH_REDIS"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=128, task_acks_late=True)


@app.task(name="work")  # type: ignore[untyped-decorator]  # Celery has no types
def work(_number: int) -> None:
    """Does nothing."""
    tally.note()


def enqueue(count: int) -> None:
    """Enqueues `count` tasks."""
    with app.pool.acquire() as connection:
        for place in range(count):
            work.apply_async((place,), connection=connection)
