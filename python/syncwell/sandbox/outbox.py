"""Events on their way to an application: sent in order, tried again when they are not taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from syncwell.domain.errors import LimitExceededError
from syncwell.sandbox.books import Books
from syncwell.sandbox.callbacks import call_back

WAITING_MAX = 10_000
DELIVERED_SHOWN_MAX = 10_000
LOOK_SECONDS = 0.5  # how late a retry can be when real time, and not an order, makes it due


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How a provider delivers; read anew at each delivery."""

    deadline: timedelta
    attempts_max: int
    retry_after: timedelta
    is_held: bool = False
    copies: int = 1
    newest_first: bool = False


@dataclass(slots=True)
class Delivery:
    """One event for one address; `statuses` holds what each attempt got, 0 for silence or a late answer."""

    number: int
    url: str
    body: bytes = field(repr=False)
    user_id: str
    kind: str
    due_ms: int
    statuses: list[int] = field(default_factory=list)


class Outbox:
    """Keeps the events and delivers them while `run` runs."""

    def __init__(self, books: Books, rules: Callable[[], DeliveryRules]) -> None:
        self._books = books
        self._rules = rules
        self._waiting: list[Delivery] = []
        self._ended: deque[Delivery] = deque(maxlen=DELIVERED_SHOWN_MAX)
        self._number = 0
        self._woken = asyncio.Event()

    def put(self, url: str, body: bytes, *, user_id: str, kind: str) -> None:
        """Adds an event, as often as the rules say.

        Raises:
            LimitExceededError: too many wait.
        """
        copies = self._rules().copies
        if len(self._waiting) + copies > WAITING_MAX:
            raise LimitExceededError(f"more than {WAITING_MAX} events wait")
        for _ in range(copies):
            self._number += 1
            self._waiting.append(Delivery(self._number, url, body, user_id, kind, self._books.now_ms()))
        self.wake()

    def wake(self) -> None:
        """Looks at the clock and the rules again."""
        self._woken.set()

    async def run(self) -> None:
        """Delivers until it is cancelled."""
        while True:
            self._woken.clear()
            for delivery in self._due():
                await self._attempt(delivery)
            try:
                async with asyncio.timeout(LOOK_SECONDS if self._waiting else None):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def show(self) -> list[dict[str, object]]:
        """Returns every event with what its attempts got, oldest first."""
        everything = sorted([*self._ended, *self._waiting], key=lambda one: one.number)
        waiting = {one.number for one in self._waiting}
        return [
            {
                "number": one.number,
                "kind": one.kind,
                "user_id": one.user_id,
                "statuses": list(one.statuses),
                "waits": one.number in waiting,
            }
            for one in everything
        ]

    def _due(self) -> list[Delivery]:
        rules = self._rules()
        if rules.is_held:
            return []
        due = [one for one in self._waiting if one.due_ms <= self._books.now_ms()]
        return list(reversed(due)) if rules.newest_first else due

    async def _attempt(self, delivery: Delivery) -> None:
        rules, begun_ms = self._rules(), self._books.now_ms()
        answer = await call_back("POST", delivery.url, delivery.body, deadline=rules.deadline)
        delivery.statuses.append(answer.status)
        is_taken = answer.status == 200
        self._books.count("events_taken" if is_taken else "events_not_taken", delivery=delivery.number)
        if is_taken or len(delivery.statuses) >= rules.attempts_max:
            self._waiting.remove(delivery)
            self._ended.append(delivery)
        else:
            delivery.due_ms = begun_ms + round(rules.retry_after.total_seconds() * 1000)
