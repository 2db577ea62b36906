"""Facts that were written together with the state they tell of and still have to be published (design D11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from syncwell.domain import sharding
from syncwell.domain.records import UserId
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Delete, Due, Item, ItemStore, Put
from syncwell.repositories import keys

PUBLISH_GRACE = timedelta(seconds=10)  # the writer publishes its own rows; later they count as left over

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


class Outbox:
    """Outbox rows over an item store. `bucket_of` tells a user's bucket of 256."""

    def __init__(self, store: ItemStore, *, bucket_of: Callable[[UserId], int] = sharding.bucket_of) -> None:
        self._store = store
        self._bucket_of = bucket_of

    def entry(self, event: Event, *, now_ms: int) -> Put:
        """Returns the write that goes into the transaction of the fact."""
        bucket = keys.outbox_bucket(self._bucket_of(UserId(event.user_id)))
        due = Due(bucket, now_ms + PUBLISH_GRACE // timedelta(milliseconds=1))
        return Put(Item(keys.outbox(UserId(event.user_id), event.event_id), _encode(event), due=due))

    async def remove(self, events: Sequence[Event]) -> None:
        """Forgets published events; one left behind is published again, which readers notice by its id."""
        await self._store.write_each([Delete(keys.outbox(UserId(event.user_id), event.event_id)) for event in events])

    async def list_due(self, bucket: int, *, now_ms: int, limit: int) -> tuple[Event, ...]:
        """Returns facts of `bucket` that their writer left behind; may be stale."""
        page = await self._store.query_due(keys.outbox_bucket(bucket), until_ms=now_ms, limit=limit)
        return tuple(_decode(item.body) for item in page.items)
