"""Many waiters, each doing one operation after the other for a while: what a loaded service looks like to its store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.rounds import BenchFailedError, Sample

WAITERS = 64
MS_PER_SECOND = 1_000.0

Operation = Callable[[int], Awaitable[None]]


async def drive(operate: Operation, *, waiters: int = WAITERS, seconds: float) -> Sample:
    """Runs `operate(waiter)` over and over in every waiter for `seconds`; returns operations a second.

    Everything begun is finished and counted in the time that it took. Facts: p50_ms, p99_ms.

    Raises:
        BenchFailedError: an operation failed.
    """
    taken: list[float] = []
    begun = time.perf_counter()
    until = begun + seconds

    async def wait(waiter: int) -> None:
        before = time.perf_counter()
        while before < until:
            await operate(waiter)
            after = time.perf_counter()
            taken.append(after - before)
            before = after

    try:
        async with asyncio.TaskGroup() as group:
            for waiter in range(waiters):
                group.create_task(wait(waiter))
    except ExceptionGroup as failures:
        raise BenchFailedError(f"an operation failed: {failures.exceptions[0]!r}") from failures
    elapsed = time.perf_counter() - begun
    return Sample(len(taken) / elapsed, percentiles(taken))


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Returns the median and the 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    return {f"p{share}_ms": at(ordered, share / 100) * MS_PER_SECOND for share in (50, 99)}


def at(ordered: list[float], share: float) -> float:
    """Returns the value that `share` of an ordered list lies at or below."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
