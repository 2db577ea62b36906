"""Consents under way: a one-time row between the consent page and its callback."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import msgspec

from syncwell.domain.errors import ConditionFailedError
from syncwell.domain.records import UserId
from syncwell.ports.item_store import Absent, Delete, Item, ItemStore, Put, VersionEquals
from syncwell.ports.sealer import Purpose, Sealer
from syncwell.repositories import keys

STATE_CHARS_MAX = 256  # ours have 43; anything longer is not worth hashing


@dataclass(frozen=True, slots=True)
class OpenConsent:
    """Who was sent where, and until when the answer counts. The verifier rests sealed."""

    user_id: UserId
    provider: str
    redirect_uri: str
    expires_at_ms: int
    sealed_verifier: bytes = field(repr=False)
    version: int = 1


class Consents:
    """Keeps consents by the digest of their state, so that a stolen table opens none."""

    def __init__(self, items: ItemStore, sealer: Sealer) -> None:
        self._items = items
        self._sealer = sealer

    async def add(
        self, state: str, verifier: str, *, user_id: UserId, provider: str, redirect_uri: str, expires_at_ms: int
    ) -> None:
        """Stores a new consent durably.

        Raises:
            StoreUnavailableError: nothing was stored.
            SecretStoreUnavailableError: the key cannot be read; nothing was stored.
        """
        digest = _digest(state)
        sealed = await self._sealer.seal(Purpose.TOKENS, verifier.encode(), owner=f"consent/{digest}")
        row = OpenConsent(user_id, provider, redirect_uri, expires_at_ms, sealed)
        item = Item(keys.authorization(digest), msgspec.msgpack.encode(row), expires_at_ms=expires_at_ms)
        await self._items.transact([Put(item, Absent())])

    async def take(self, state: str, *, now_ms: int) -> OpenConsent | None:
        """Consumes the consent of a state; of any number of takers exactly one gets it.

        Returns:
            None where the state is unknown, was taken before, or is too old.

        Raises:
            OutcomeUnknownError: it may be consumed; treat it so.
            StoreUnavailableError: it was not consumed.
        """
        if not 0 < len(state) <= STATE_CHARS_MAX:
            return None
        key = keys.authorization(_digest(state))
        item = await self._items.get(key)
        if item is None:
            return None
        try:
            await self._items.transact([Delete(key, VersionEquals(item.version))])
        except ConditionFailedError:
            return None  # another callback with the same state was faster
        consent = replace(_ROW.decode(item.body), version=item.version)
        return consent if now_ms < consent.expires_at_ms else None

    async def open_verifier(self, state: str, consent: OpenConsent) -> str:
        """Returns the PKCE verifier.

        Raises:
            SecretStoreUnavailableError: the key cannot be read.
            InvalidInputError: the row is not of this state.
        """
        owner = f"consent/{_digest(state)}"
        return (await self._sealer.open(Purpose.TOKENS, consent.sealed_verifier, owner=owner)).decode()


_ROW = msgspec.msgpack.Decoder(OpenConsent)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()
