"""Sealing: authenticated encryption under a key for each purpose (design D8, D9)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum


class Purpose(StrEnum):
    """What a key-encryption key is for; only the services that need it can read it."""

    TOKENS = "tokens"
    STAGING = "staging"
    FINGERPRINTS = "fingerprints"


class Sealer(ABC):
    """Seals and opens small secrets (AES-256-GCM)."""

    @abstractmethod
    async def seal(self, purpose: Purpose, plaintext: bytes, *, owner: str) -> bytes:
        """Returns `plaintext` sealed to `owner`: it opens only for the same purpose and owner.

        Raises:
            SecretStoreUnavailableError: the key service or key file cannot be read; there is no plaintext fallback.
        """

    @abstractmethod
    async def open(self, purpose: Purpose, sealed: bytes, *, owner: str) -> bytes:
        """Returns what was sealed.

        Raises:
            InvalidInputError: changed, of another owner or purpose, or sealed under an unknown key.
            SecretStoreUnavailableError: the key service or key file cannot be read.
        """

    @abstractmethod
    async def derive(self, purpose: Purpose, *, owner: str) -> bytes:
        """Returns a 32-byte key of `owner` for `purpose`, the same each time (HKDF-SHA256)."""
