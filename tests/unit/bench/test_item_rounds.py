"""P14 counts what was written, so that a store that loses writes gives no figure."""

from __future__ import annotations

import pytest

from bench.item_rounds import read_round, transact_round, write_round
from bench.peers.item_contestant import ItemContestant
from bench.rounds import BenchFailedError

SECONDS = 0.02


class FakeItems(ItemContestant):
    """Versions in memory; `loses` makes one write in a hundred vanish."""

    name = "fake"
    settings = ""
    item_count = 256

    def __init__(self, *, loses: bool = False) -> None:
        self._versions = [1] * self.item_count
        self._loses = loses
        self._write_count = 0

    async def load(self, bodies: list[bytes]) -> None:
        pass

    async def read(self, number: int) -> int:
        return self._versions[number]

    async def write(self, number: int, seen: int, body: bytes) -> None:
        assert self._loses or self._versions[number] == seen
        self._write_count += 1
        if not self._loses or self._write_count % 100:
            self._versions[number] += 1

    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        for number, version in zip(numbers, seen, strict=True):
            await self.write(number, version, body)


async def test_rounds_give_a_rate_and_percentiles() -> None:
    """Each operation gives operations a second and how long they took."""
    for round_of in (read_round, write_round, transact_round):
        sample = await round_of(FakeItems(), SECONDS)
        assert sample.value > 0
        assert 0 <= sample.facts["p50_ms"] <= sample.facts["p99_ms"]


async def test_transaction_writes_a_group_of_own_items() -> None:
    """Each transaction names four different items, and no two waiters share one."""
    items = FakeItems()
    groups: list[tuple[int, ...]] = []
    kept = items.transact

    async def transact(numbers: list[int], seen: list[int], body: bytes) -> None:
        groups.append(tuple(numbers))
        await kept(numbers, seen, body)

    items.transact = transact  # type: ignore[method-assign]  # only this test looks in
    await transact_round(items, SECONDS)

    assert {len(set(group)) for group in groups} == {4}
    assert all(len({number % 64 for number in group}) == 1 for group in groups)


async def test_lost_writes_fail_the_row() -> None:
    """A planted loss is seen."""
    with pytest.raises(BenchFailedError, match="lost writes"):
        await write_round(FakeItems(loses=True), SECONDS)
