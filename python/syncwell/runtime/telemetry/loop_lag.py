"""Measures how late the event loop is: one slow handler or a stolen core shows here first."""

from __future__ import annotations

import asyncio

from syncwell.ports.metrics import Metric, Metrics

PERIOD_SECONDS = 0.25


async def watch_loop(metrics: Metrics, *, period: float = PERIOD_SECONDS) -> None:
    """Measures until it is cancelled. Uses the loop's own time: the lag is real, whatever the clock of a test says."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(period)
        metrics.observe(Metric.LOOP_LAG_SECONDS, loop.time() - before - period)
