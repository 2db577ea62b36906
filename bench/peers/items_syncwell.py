"""P14, ours: the item store port over the store process, as every service uses it."""

from __future__ import annotations

from bench.peers.item_contestant import ItemContestant, key_of
from bench.rounds import OURS, BenchFailedError
from syncwell.ports.item_store import TRANSACTION_WRITES_MAX, Item, ItemStore, Key, Put, VersionEquals


class SyncWellItems(ItemContestant):
    """`ItemStore` of the embedded profile."""

    name = OURS
    settings = "store process as it ships (SQLite WAL, FULL, group commit), one client process"

    def __init__(self, items: ItemStore) -> None:
        self._items = items

    async def load(self, bodies: list[bytes]) -> None:
        """Writes in transactions of the largest size."""
        puts = [Put(Item(Key(*key_of(number)), body)) for number, body in enumerate(bodies)]
        for start in range(0, len(puts), TRANSACTION_WRITES_MAX):
            await self._items.transact(puts[start : start + TRANSACTION_WRITES_MAX])

    async def read(self, number: int) -> int:
        """A strong read."""
        item = await self._items.get(Key(*key_of(number)))
        if item is None:
            raise BenchFailedError(f"item {number} is gone")
        return item.version

    async def write(self, number: int, seen: int, body: bytes) -> None:
        """A conditional put."""
        put = Put(Item(Key(*key_of(number)), body, version=seen + 1), VersionEquals(seen))
        if await self._items.write_each([put]) != (True,):
            raise BenchFailedError(f"the write of item {number} was refused")

    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        """A transaction of conditional puts."""
        await self._items.transact(
            [
                Put(Item(Key(*key_of(number)), body, version=version + 1), VersionEquals(version))
                for number, version in zip(numbers, seen, strict=True)
            ]
        )
