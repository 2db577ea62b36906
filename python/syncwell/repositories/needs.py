"""Stores needs; every change is conditional on the version that was read.

A need that is due stands in the due bucket `NEED`; that is how a timer that was lost is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from syncwell.domain import sharding
from syncwell.domain.errors import ConditionFailedError, LimitExceededError, OutcomeUnknownError
from syncwell.domain.needs import Need
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.item_store import Absent, Due, Item, ItemStore, Put, VersionEquals, Write
from syncwell.repositories import keys

CONFLICTS_MAX = 20  # more than that many writers of one source at once is an attack

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Need).decode


class Needs:
    """Needs over an item store. `bucket_of` tells a user's bucket of 256."""

    def __init__(self, store: ItemStore, *, bucket_of: Callable[[UserId], int] = sharding.bucket_of) -> None:
        self._store = store
        self._bucket_of = bucket_of

    async def load(self, user_id: UserId, connection_id: ConnectionId) -> Need:
        """Returns the need of a source, read strongly; a clean one where nothing is stored."""
        item = await self._store.get(keys.need(user_id, connection_id))
        return Need(user_id, connection_id) if item is None else _decode(item.body)

    async def change(self, user_id: UserId, connection_id: ConnectionId, change: Callable[[Need], Need]) -> Need:
        """Applies `change` to the newest need, again where another writer came between; returns what is stored then.

        A change that changes nothing writes nothing.

        Raises:
            LimitExceededError: too many writers at once; nothing was changed.
            OutcomeUnknownError: the answer was lost, and what is stored does not tell.
        """
        for _ in range(CONFLICTS_MAX):
            seen = await self.load(user_id, connection_id)
            wanted = change(seen)
            if wanted == seen:
                return seen
            if await self.replace(seen, wanted):
                return wanted
        raise LimitExceededError("too many events of one source at once; send them again")

    async def replace(self, seen: Need, wanted: Need, also: Sequence[Write] = ()) -> bool:
        """Writes `wanted` over `seen` together with `also`, or nothing; returns False where the need has changed.

        Raises:
            ConditionFailedError: the need is as seen, but a write of `also` was refused; nothing was written.
            StoreUnavailableError: nothing was written.
            OutcomeUnknownError: the answer was lost, and what is stored does not tell.
        """
        try:
            await self._store.transact([self.put(seen, wanted), *also])
        except ConditionFailedError as exc:
            if 0 not in exc.failed:
                raise
            return False
        except OutcomeUnknownError:
            if await self.load(seen.user_id, seen.connection_id) != wanted:
                raise
        return True

    async def list_due(self, bucket: int, *, until_ms: int, limit: int) -> tuple[Need, ...]:
        """Returns needs of a bucket of users that are due, earliest first; may be stale."""
        page = await self._store.query_due(keys.need_bucket(bucket), until_ms=until_ms, limit=limit)
        return tuple(_decode(item.body) for item in page.items)

    def put(self, seen: Need, wanted: Need) -> Put:
        """Returns the write of `wanted` for a larger transaction; refused where the need is not as `seen`."""
        # Settles: events against the commit of a run, two batches at once, two processes that both make the job.
        is_as_seen = VersionEquals(seen.version) if seen.version else Absent()
        due = None if wanted.due_at_ms is None else Due(self._bucket(wanted), wanted.due_at_ms)
        key = keys.need(wanted.user_id, wanted.connection_id)
        return Put(Item(key, _encode(wanted), version=wanted.version, due=due), is_as_seen)

    def _bucket(self, need: Need) -> str:
        return keys.need_bucket(self._bucket_of(need.user_id))
