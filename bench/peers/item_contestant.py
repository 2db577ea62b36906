"""What every contestant of P14 must do: read, write and transact versioned items of one shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random

ITEM_COUNT = 20_000
WRITTEN_PER_WAITER = 64
GROUP_SIZE = 4
USERS = 500
BODY_BYTES = 450  # a job row, roughly


class ItemContestant(ABC):
    """Items under a key of two halves, each with a version and a body.

    A write names the version that it saw, and every refusal fails the row: the waiters own their keys, so none can be.
    """

    name: str
    settings: str
    item_count = ITEM_COUNT

    @abstractmethod
    async def load(self, bodies: list[bytes]) -> None:
        """Puts item `n` of version 1 in place for each body."""

    @abstractmethod
    async def read(self, number: int) -> int:
        """Returns the version of item `number` with its body read; durable state only."""

    @abstractmethod
    async def write(self, number: int, seen: int, body: bytes) -> None:
        """Writes version `seen + 1` where the stored one is `seen`; on disk when this returns."""

    @abstractmethod
    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        """Does the same for several items, all or none; on disk when this returns."""


def key_of(number: int) -> tuple[str, str]:
    """Returns partition and sort key."""
    return f"USER#usr_{number % USERS:08d}", f"JOB#job_{number:012d}"


def make_bodies(count: int) -> list[bytes]:
    """Returns bodies that no compression makes small."""
    random = Random(14)
    return [random.randbytes(BODY_BYTES) for _ in range(count)]
