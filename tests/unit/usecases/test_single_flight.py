"""Sharing one attempt."""

from __future__ import annotations

import asyncio

import pytest

from syncwell.usecases.single_flight import SingleFlight
from tests.unit.fakes.clock import settle


async def test_callers_share_result_and_error() -> None:
    """All who ask during an attempt get what it ends in; the next asks anew."""
    flights: SingleFlight[int] = SingleFlight()
    starts = 0

    async def attempt() -> int:
        nonlocal starts
        starts += 1
        await asyncio.sleep(0)
        if starts == 2:
            raise ValueError("second")
        return starts

    assert await asyncio.gather(*(flights.join("a", attempt) for _ in range(5))) == [1] * 5
    failed = await asyncio.gather(*(flights.join("a", attempt) for _ in range(5)), return_exceptions=True)
    assert {type(each) for each in failed} == {ValueError}
    assert await flights.join("a", attempt) == 3


async def test_keys_do_not_share() -> None:
    """Attempts of two keys run beside each other."""
    flights: SingleFlight[str] = SingleFlight()
    started: list[str] = []

    async def attempt(key: str) -> str:
        started.append(key)
        await asyncio.sleep(0)
        return key

    assert await asyncio.gather(*(flights.join(key, lambda key=key: attempt(key)) for key in "ab")) == ["a", "b"]  # type: ignore[misc]  # mypy cannot see a lambda's default
    assert started == ["a", "b"]


async def test_drain_waits_for_what_nobody_awaits() -> None:
    """An attempt whose callers left runs to its end, and its error disturbs nobody."""
    flights: SingleFlight[int] = SingleFlight()
    gate = asyncio.Event()

    async def attempt() -> int:
        await gate.wait()
        raise ValueError("nobody hears this")

    caller = asyncio.create_task(flights.join("a", attempt))
    await settle()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    draining = asyncio.create_task(flights.drain())
    await settle()
    assert not draining.done()

    gate.set()
    await draining
