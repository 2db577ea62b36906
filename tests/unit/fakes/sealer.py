"""A sealer without cryptography that keeps its port's promises: bound to purpose and owner, unreadable at rest."""

from __future__ import annotations

import hashlib

from syncwell.domain.errors import InvalidInputError, SecretStoreUnavailableError
from syncwell.ports.sealer import Purpose, Sealer

TAG_BYTES = 32


class FakeSealer(Sealer):
    """Masks with a hash of purpose and owner; `is_down` makes every call fail."""

    def __init__(self) -> None:
        self.is_down = False

    async def seal(self, purpose: Purpose, plaintext: bytes, *, owner: str) -> bytes:
        self._check()
        key = await self.derive(purpose, owner=owner)
        return hashlib.sha256(key + plaintext).digest() + _masked(plaintext, key)

    async def open(self, purpose: Purpose, sealed: bytes, *, owner: str) -> bytes:
        self._check()
        key = await self.derive(purpose, owner=owner)
        plaintext = _masked(sealed[TAG_BYTES:], key)
        if hashlib.sha256(key + plaintext).digest() != sealed[:TAG_BYTES]:
            raise InvalidInputError("this was sealed for somebody else, or changed")
        return plaintext

    async def derive(self, purpose: Purpose, *, owner: str) -> bytes:
        return hashlib.sha256(f"{purpose}|{owner}".encode()).digest()

    def _check(self) -> None:
        if self.is_down:
            raise SecretStoreUnavailableError("the key file cannot be read")


def _masked(text: bytes, key: bytes) -> bytes:
    return bytes(each ^ key[place % len(key)] for place, each in enumerate(text))
