"""Alternating rounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bench.rounds import BenchFailedError, Contestant, Sample, alternate


def _counting(name: str, order: list[str], values: list[float]) -> Callable[[], Awaitable[Sample]]:
    left = iter(values)

    async def run() -> Sample:
        order.append(name)
        value = next(left)
        return Sample(value, {"p99_ms": value * 2})

    return run


async def test_contestants_take_turns_and_the_first_round_does_not_count() -> None:
    """Each is warmed up once; then they alternate, and medians are those of the measured rounds."""
    order: list[str] = []
    contestants = [
        Contestant("a", "", _counting("a", order, [1000, 1, 5, 3])),
        Contestant("b", "", _counting("b", order, [0, 10, 30, 20])),
    ]

    rounds = await alternate(contestants, rounds=3)

    assert order == ["a", "b"] * 4
    assert (rounds["a"].median, rounds["b"].median) == (3, 20)
    assert rounds["a"].facts == {"p99_ms": 6}


async def test_too_few_rounds_are_refused() -> None:
    """A median of two says nothing."""
    with pytest.raises(BenchFailedError, match="at least 3"):
        await alternate([], rounds=2)
