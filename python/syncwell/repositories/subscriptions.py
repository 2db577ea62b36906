"""Which events of a provider are ours: the subscription that they name."""

from __future__ import annotations

import msgspec

from syncwell.ports.item_store import Item, ItemStore, Put
from syncwell.ports.webhooks import Subscription
from syncwell.repositories import keys

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Subscription).decode


class Subscriptions:
    """At most one subscription a provider, over an item store."""

    def __init__(self, items: ItemStore) -> None:
        self._items = items

    async def load(self, provider: str) -> Subscription | None:
        """Reads the subscription strongly; None before the first.

        Raises:
            StoreUnavailableError: nothing was read.
        """
        item = await self._items.get(keys.webhook_subscription(provider))
        return None if item is None else _decode(item.body)

    async def save(self, provider: str, subscription: Subscription) -> None:
        """Writes the subscription over whatever was there: the newest order is the one that delivers.

        Raises:
            StoreUnavailableError: nothing was written.
            OutcomeUnknownError: it may be written; the same call again is safe.
        """
        await self._items.transact([Put(Item(keys.webhook_subscription(provider), _encode(subscription)))])
