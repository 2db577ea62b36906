"""The item store: one table of items under conditions, on SQLite or DynamoDB.

The port promises no more than DynamoDB does: secondary indexes may be stale, items past `expires_at_ms` may still be
returned (compare, always), and at most 100 writes go into one transaction.

The values are structs: hot roads make several of them a request, and they travel to the store process as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

TRANSACTION_WRITES_MAX = 100
ITEM_BYTES_MAX = 400_000


class Key(Struct, frozen=True, array_like=True, gc=False):
    """Where an item lives; made by `repositories.keys` only."""

    partition: str
    sort: str


class Due(Struct, frozen=True, array_like=True, gc=False):
    """An entry in the sparse due index: `bucket` is swept in order of `at_ms`."""

    bucket: str
    at_ms: int


class Item(Struct, frozen=True, array_like=True, gc=False):
    """One row. `body` is opaque to the store; `version` and `fence` are what conditions compare.

    `at_ms` enters the local index by time of its partition; `reauth` the sparse re-authentication index.
    """

    key: Key
    body: bytes
    version: int = 1
    fence: int = 0
    due: Due | None = None
    reauth: str | None = None
    at_ms: int | None = None
    expires_at_ms: int | None = None


class Absent(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Holds where no item is, or the one there expired before `expired_before_ms`."""

    expired_before_ms: int | None = None


class Exists(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Holds where an item is."""


class VersionEquals(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Holds where the stored version is `version`."""

    version: int


class FenceEquals(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Holds where the stored fence is `fence`: the writer still owns what it claimed."""

    fence: int


class FenceNotHigher(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Holds where no item is, or its fence is `fence` or lower."""

    fence: int


Condition = Absent | Exists | VersionEquals | FenceEquals | FenceNotHigher


class Put(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Writes `item` where `condition` holds (None: always)."""

    item: Item
    condition: Condition | None = None


class Delete(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Removes the item at `key` where `condition` holds; removing nothing succeeds."""

    key: Key
    condition: Condition | None = None


class Check(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Writes nothing; the transaction fails unless `condition` holds at `key`."""

    key: Key
    condition: Condition


Write = Put | Delete | Check


@dataclass(frozen=True, slots=True)
class Page:
    """Items in index order; `cursor` is None on the last page, else opaque."""

    items: tuple[Item, ...]
    cursor: str | None = None


class ItemStore(ABC):
    """Durable items. A write that returned survives power loss."""

    @abstractmethod
    async def get(self, key: Key, *, strong: bool = True) -> Item | None:
        """Returns the item at `key`, or None.

        Raises:
            StoreUnavailableError: nothing was read.
        """

    @abstractmethod
    async def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Returns the items that exist among at most 1,000 `keys`, read strongly."""

    @abstractmethod
    async def query(
        self,
        partition: str,
        *,
        sort_prefix: str = "",
        limit: int = 100,
        cursor: str | None = None,
        is_descending: bool = False,
    ) -> Page:
        """Returns a page of one partition in order of the sort key."""

    @abstractmethod
    async def query_by_time(
        self, partition: str, *, sort_prefix: str = "", limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Returns a page of one partition's items that have `at_ms`, newest first; may be stale."""

    @abstractmethod
    async def query_due(self, bucket: str, *, until_ms: int, limit: int = 100, cursor: str | None = None) -> Page:
        """Returns items whose due time in `bucket` is not later than `until_ms`, earliest first; may be stale."""

    @abstractmethod
    async def query_reauth(self, status: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Returns items whose re-authentication status is `status`; may be stale."""

    @abstractmethod
    async def transact(self, writes: Sequence[Write]) -> None:
        """Does all `writes` (at most 100, no key twice) or none, durably.

        Raises:
            ConditionFailedError: a condition did not hold; nothing was written.
            StoreUnavailableError: nothing was written.
            StorageFullError: nothing was written.
            OutcomeUnknownError: the answer was lost; read back before deciding.
            InvalidInputError: too many writes, a key twice, or an item too large.
        """

    @abstractmethod
    async def write_each(self, writes: Sequence[Put | Delete]) -> tuple[bool, ...]:
        """Does each write on its own condition; returns for each whether it was done (False: condition refused).

        Raises:
            StoreUnavailableError: nothing was written.
            StorageFullError: nothing was written.
            OutcomeUnknownError: the answer was lost.
        """
