"""The event log: what happened, at least once, in order for each user."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct


class Event(Struct, frozen=True, array_like=True, gc=False):
    """One fact. `event_id` is the idempotency key of its readers; `body` is a `syncwell.api.events.v1.Event`."""

    event_id: str
    user_id: str
    body: bytes


class LoggedEvent(Struct, frozen=True, array_like=True, gc=False):
    """An event with its place in the log."""

    cursor: str
    event: Event


class EventLog(ABC):
    """An append-only log kept for 24 hours."""

    @abstractmethod
    async def append(self, events: Sequence[Event]) -> None:
        """Appends durably; an event may appear twice, readers deduplicate by `event_id`."""

    @abstractmethod
    async def read(self, *, after: str | None, limit: int, wait: timedelta) -> tuple[LoggedEvent, ...]:
        """Returns events after the cursor (None: from now on), waiting up to `wait` for the first.

        Raises:
            NotFoundError: the cursor is older than the log; read the state anew.
        """

    @abstractmethod
    async def tail(self) -> str:
        """Returns the cursor of the newest event, or of the empty log."""
