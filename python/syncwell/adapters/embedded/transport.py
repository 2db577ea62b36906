"""How the store's clients reach the engine: one interface, in process or over the socket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from syncwell.adapters.embedded.operations import Operation, Outcome
from syncwell.ports.event_log import LoggedEvent
from syncwell.ports.job_queue import Delivery, JobClass

WAIT_MS_MAX = 60_000  # the longest that one call waits; callers ask again


class StoreTransport(ABC):
    """Carries writes, receives and event reads to the sole writer."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """The database file, which clients read themselves."""

    @abstractmethod
    async def execute(self, operation: Operation) -> Outcome:
        """Does one operation durably, sharing a commit with whatever else waits; returns what became of it."""

    @abstractmethod
    async def receive(
        self, job_class: JobClass, *, limit: int, visibility_ms: int, wait_ms: int
    ) -> tuple[Delivery, ...]:
        """Hands out visible messages, waiting up to `wait_ms` for the first.

        Raises:
            StoreUnavailableError: nothing came back; messages handed out unseen come again.
            StorageFullError: receives cannot be recorded.
        """

    @abstractmethod
    async def read_events(self, after: str | None, *, limit: int, wait_ms: int) -> tuple[LoggedEvent, ...]:
        """Returns events behind `after` (None: from now on), waiting up to `wait_ms` for the first.

        Raises:
            NotFoundError: the cursor is older than the log.
            InvalidInputError: it is no cursor.
            StoreUnavailableError: nothing came back.
        """
