"""Waiters that drive an operation."""

from __future__ import annotations

import asyncio

import pytest

from bench.rounds import BenchFailedError
from bench.waiters import at, drive, percentiles


async def test_every_waiter_works_and_all_is_counted() -> None:
    """The rate counts everything begun, and every waiter has its turn."""
    done = [0] * 4

    async def operate(waiter: int) -> None:
        await asyncio.sleep(0)
        done[waiter] += 1

    sample = await drive(operate, waiters=4, seconds=0.02)

    assert min(done) > 0
    assert sample.value * 0.02 == pytest.approx(sum(done), rel=0.5)


async def test_a_failing_operation_ends_the_round() -> None:
    """No figure comes out of a round in which an operation failed."""

    async def operate(_: int) -> None:
        raise ValueError("broken")

    with pytest.raises(BenchFailedError, match="broken"):
        await drive(operate, waiters=2, seconds=0.02)


def test_percentiles_are_in_milliseconds() -> None:
    """Half of the values lie at or below the median, 99 of 100 at or below the other."""
    seconds = [place / 1_000 for place in range(1, 101)]

    assert percentiles(seconds) == pytest.approx({"p50_ms": 51, "p99_ms": 100})
    assert at([1.0], 0.99) == 1.0
