"""Sealing under key files: AES-256-GCM with a random 96-bit nonce.

A sealed value is `SW1`, the key's number (4 bytes), the nonce (12 bytes), then the ciphertext with its tag. The newest
key of a purpose seals and all open, so a key is rotated by adding `<purpose>.<number + 1>.key` (32 random bytes, mode
600). Key 1 stays for ever: derived keys come from it, and must not change.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syncwell.adapters.embedded.key_files import FIRST_KEY, KEY_BYTES, KeyFiles
from syncwell.domain.errors import InvalidInputError, SecretStoreUnavailableError
from syncwell.ports.sealer import Purpose, Sealer

_MAGIC = b"SW1"
_NUMBER_BYTES = 4
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER_BYTES = len(_MAGIC) + _NUMBER_BYTES


class KeyFileSealer(Sealer):
    """Seals with keys in a folder that only this user can read. Prints without its keys."""

    def __init__(self, folder: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._files = {purpose: KeyFiles(folder, purpose, random_bytes) for purpose in Purpose}

    async def seal(self, purpose: Purpose, plaintext: bytes, *, owner: str) -> bytes:
        """Returns `plaintext` sealed to `owner`."""
        keys = self._files[purpose].load_or_create()
        number = max(keys)
        header = _MAGIC + number.to_bytes(_NUMBER_BYTES, "big")
        nonce = self._random_bytes(_NONCE_BYTES)
        return header + nonce + AESGCM(keys[number]).encrypt(nonce, plaintext, _bound_to(header, purpose, owner))

    async def open(self, purpose: Purpose, sealed: bytes, *, owner: str) -> bytes:
        """Returns what was sealed."""
        header = sealed[:_HEADER_BYTES]
        if not sealed.startswith(_MAGIC) or len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise InvalidInputError("this is not a sealed value")
        key = self._find_key(purpose, int.from_bytes(header[len(_MAGIC) :], "big"))
        nonce = sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        try:
            return AESGCM(key).decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], _bound_to(header, purpose, owner))
        except InvalidTag as exc:
            raise InvalidInputError("the sealed value was changed, or belongs to another owner or purpose") from exc

    async def derive(self, purpose: Purpose, *, owner: str) -> bytes:
        """Returns a 32-byte key of `owner`, the same each time."""
        key = self._files[purpose].load_or_create().get(FIRST_KEY)
        if key is None:
            raise SecretStoreUnavailableError("key 1 is gone; restore it from a backup", purpose=purpose)
        info = b"derive" + _bound_to(b"", purpose, owner)
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)

    def _find_key(self, purpose: Purpose, number: int) -> bytes:
        keys = self._files[purpose].load()
        if not keys:
            raise SecretStoreUnavailableError("the key files are gone; restore them from a backup", purpose=purpose)
        if number not in keys:
            raise InvalidInputError("sealed under a key that is not here")
        return keys[number]


def _bound_to(header: bytes, purpose: Purpose, owner: str) -> bytes:
    # No purpose holds a zero byte: two different pairs never give the same bytes.
    return header + b"\0" + purpose.value.encode() + b"\0" + owner.encode()
