"""The job queue: a hint that a job row is ready. What it loses, the due index finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

BATCH_MESSAGES_MAX = 10
DELAY_MAX = timedelta(seconds=900)


class JobClass(StrEnum):
    """The road a job came by; each has its own queue."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


class JobMessage(Struct, frozen=True, array_like=True, gc=False):
    """Points at a job row; `trace` carries the W3C trace parent."""

    user_id: str
    job_id: str
    job_class: JobClass
    trace: str = ""


class Delivery(Struct, frozen=True, array_like=True, gc=False):
    """One receive of a message; `receipt` is good for this receive only."""

    message: JobMessage
    receipt: str
    receive_count: int


class JobQueue(ABC):
    """At-least-once queues with visibility time-outs; order is not promised."""

    @abstractmethod
    async def send(self, messages: Sequence[JobMessage], *, delay: timedelta = timedelta(0)) -> None:
        """Sends `messages`, visible after `delay` (at most 900 s).

        Raises:
            StoreUnavailableError: some may not have been sent; the rows are the truth.
            InvalidInputError: the delay is too long.
        """

    @abstractmethod
    async def receive(
        self, job_class: JobClass, *, limit: int, visibility: timedelta, wait: timedelta
    ) -> tuple[Delivery, ...]:
        """Returns up to `limit` visible messages, hidden from others for `visibility`; waits up to `wait` for one."""

    @abstractmethod
    async def extend(self, receipts: Sequence[str], *, visibility: timedelta) -> None:
        """Hides the messages for `visibility` from now; receipts that are no longer good are ignored."""

    @abstractmethod
    async def delete(self, receipts: Sequence[str]) -> None:
        """Acknowledges; receipts that are no longer good are ignored."""

    @abstractmethod
    async def depth(self, job_class: JobClass) -> int:
        """Returns the number of messages, visible or not; approximate."""
