"""An item store in a dictionary: the port's rules, no promises beyond them.

`fail_next` makes coming calls fail: before anything is written, or after, as a lost answer does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from syncwell.domain.errors import ConditionFailedError, InvalidInputError, OutcomeUnknownError
from syncwell.ports.item_store import (
    ITEM_BYTES_MAX,
    TRANSACTION_WRITES_MAX,
    Absent,
    Condition,
    Delete,
    Exists,
    FenceEquals,
    FenceNotHigher,
    Item,
    ItemStore,
    Key,
    Page,
    Put,
    VersionEquals,
    Write,
)

GET_MANY_KEYS_MAX = 1000


class DictItemStore(ItemStore):
    """Every call yields to the loop once, so that tasks interleave as they do over a socket."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.transactions: list[tuple[Write, ...]] = []
        self.read_count = 0
        self._failures: list[Exception | None] = []

    def fail_next(self, *errors: Exception | None) -> None:
        """Makes the next writing calls raise `errors` in turn, None lets one pass.

        OutcomeUnknownError is raised after the write was done.
        """
        self._failures.extend(errors)

    async def get(self, key: Key, *, strong: bool = True) -> Item | None:
        await asyncio.sleep(0)
        self.read_count += 1
        return self.items.get(key)

    async def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        if len(keys) > GET_MANY_KEYS_MAX:
            raise InvalidInputError("too many keys")
        await asyncio.sleep(0)
        self.read_count += 1
        return {key: self.items[key] for key in keys if key in self.items}

    async def query(
        self,
        partition: str,
        *,
        sort_prefix: str = "",
        limit: int = 100,
        cursor: str | None = None,
        is_descending: bool = False,
    ) -> Page:
        found = [item for item in self.items.values() if _is_in(item, partition, sort_prefix)]
        found.sort(key=lambda item: item.key.sort, reverse=is_descending)
        return await self._page(found, limit, cursor)

    async def query_by_time(
        self, partition: str, *, sort_prefix: str = "", limit: int = 100, cursor: str | None = None
    ) -> Page:
        found = [item for item in self.items.values() if _is_in(item, partition, sort_prefix)]
        return await self._page(_ordered(found, lambda item: item.at_ms, is_descending=True), limit, cursor)

    async def query_due(self, bucket: str, *, until_ms: int, limit: int = 100, cursor: str | None = None) -> Page:
        found = [
            item
            for item in self.items.values()
            if item.due is not None and item.due.bucket == bucket and item.due.at_ms <= until_ms
        ]
        due = _ordered(found, lambda item: item.due.at_ms if item.due else None, is_descending=False)
        return await self._page(due, limit, cursor)

    async def query_reauth(self, status: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        found = sorted(
            (item for item in self.items.values() if item.reauth == status),
            key=lambda item: (item.key.partition, item.key.sort),
        )
        return await self._page(found, limit, cursor)

    async def transact(self, writes: Sequence[Write]) -> None:
        _check_transaction(writes)
        await asyncio.sleep(0)
        failure = self._take_failure()
        refused = [place for place, write in enumerate(writes) if not self._holds(write)]
        if refused:
            raise ConditionFailedError(refused)
        for write in writes:
            self._apply(write)
        self.transactions.append(tuple(writes))
        if failure is not None:
            raise failure

    async def write_each(self, writes: Sequence[Put | Delete]) -> tuple[bool, ...]:
        await asyncio.sleep(0)
        failure = self._take_failure()
        done = []
        for write in writes:
            done.append(self._holds(write))
            if done[-1]:
                self._apply(write)
        if failure is not None:
            raise failure
        return tuple(done)

    async def _page(self, found: Sequence[Item], limit: int, cursor: str | None) -> Page:
        await asyncio.sleep(0)
        self.read_count += 1
        start = int(cursor or 0)
        end = start + limit
        return Page(tuple(found[start:end]), str(end) if end < len(found) else None)

    def _take_failure(self) -> Exception | None:
        """Raises a planned failure now, or returns it where it must come after the write."""
        failure = self._failures.pop(0) if self._failures else None
        if failure is None or isinstance(failure, OutcomeUnknownError):
            return failure
        raise failure

    def _holds(self, write: Write) -> bool:
        key = write.item.key if isinstance(write, Put) else write.key
        return write.condition is None or condition_holds(write.condition, self.items.get(key))

    def _apply(self, write: Write) -> None:
        if isinstance(write, Put):
            self.items[write.item.key] = write.item
        elif isinstance(write, Delete):
            self.items.pop(write.key, None)


def condition_holds(condition: Condition, item: Item | None) -> bool:
    """Tells whether `condition` holds for what is stored (None: nothing)."""
    match condition:
        case Absent(before):
            return item is None or _has_expired(item, before)
        case Exists():
            return item is not None
        case VersionEquals(version):
            return item is not None and item.version == version
        case FenceEquals(fence):
            return item is not None and item.fence == fence
        case FenceNotHigher(fence):
            return item is None or item.fence <= fence


def _has_expired(item: Item, before_ms: int | None) -> bool:
    return before_ms is not None and item.expires_at_ms is not None and item.expires_at_ms < before_ms


def _is_in(item: Item, partition: str, sort_prefix: str) -> bool:
    return item.key.partition == partition and item.key.sort.startswith(sort_prefix)


def _ordered(found: Sequence[Item], time_of: Callable[[Item], int | None], *, is_descending: bool) -> list[Item]:
    timed = [(at_ms, item.key.sort, item) for item in found if (at_ms := time_of(item)) is not None]
    timed.sort(key=lambda entry: entry[:2], reverse=is_descending)
    return [item for _, _, item in timed]


def _check_transaction(writes: Sequence[Write]) -> None:
    keys = [write.item.key if isinstance(write, Put) else write.key for write in writes]
    if len(keys) > TRANSACTION_WRITES_MAX or len(set(keys)) != len(keys):
        raise InvalidInputError("a transaction has too many writes or a key twice")
    if any(isinstance(write, Put) and len(write.item.body) > ITEM_BYTES_MAX for write in writes):
        raise InvalidInputError("an item is too large")
