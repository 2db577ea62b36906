"""Blobs: staging, exports and archives. Contents are sealed before they come here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator


class BlobStore(ABC):
    """Sealed objects by name."""

    @abstractmethod
    async def write(self, name: str, chunks: AsyncIterator[bytes], *, bytes_max: int) -> int:
        """Writes the whole object atomically and durably; returns its size.

        Raises:
            LimitExceededError: more than `bytes_max` came; nothing is kept.
            InvalidInputError: the name is not a plain relative path.
        """

    @abstractmethod
    def read(self, name: str) -> AsyncIterator[bytes]:
        """Yields the object in chunks.

        Raises:
            NotFoundError: there is no such object.
        """

    @abstractmethod
    async def delete(self, name: str) -> None:
        """Removes the object; removing nothing succeeds."""
