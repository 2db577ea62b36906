"""One batch: many callers' operations inside one SQLite transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apsw

from syncwell.adapters.embedded.event_table import EventTable
from syncwell.adapters.embedded.item_table import ItemTable
from syncwell.adapters.embedded.message_table import MessageTable, Received
from syncwell.adapters.embedded.operations import (
    AppendEvents,
    DeleteMessages,
    ExtendMessages,
    Operation,
    Outcome,
    SendMessages,
    Transact,
    WriteEach,
)
from syncwell.domain.errors import ConditionFailedError, InvalidInputError
from syncwell.ports.item_store import Put
from syncwell.ports.job_queue import JobClass

WRITE_OVERHEAD_BYTES = 256  # what a row costs beside its body, roughly


@dataclass(frozen=True, slots=True)
class ReceiveMessages:
    """Hands out messages; asked by the engine itself, which does the waiting."""

    job_class: JobClass
    limit: int
    visibility_ms: int


@dataclass(frozen=True, slots=True)
class Purge:
    """Removes a bounded number of things whose time is over."""

    items_expired_before_ms: int
    limit: int


Task = Operation | ReceiveMessages | Purge
Answer = Outcome | Received | int


@dataclass(frozen=True, slots=True)
class Submission:
    """Tasks of one caller, done in order in one batch, and where their answers go."""

    tasks: Sequence[Task]
    byte_count: int
    answers: asyncio.Future[list[Answer]]


class BadTaskError(Exception):
    """A task that SQLite cannot take (a number over 64 bits, broken text); it must not fail its neighbours."""

    def __init__(self, task: Task) -> None:
        super().__init__("a task cannot be stored")
        self.task = task


class BatchTables:
    """Applies tasks to the tables; remembers whom to wake after the commit."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._items = ItemTable(connection)
        self._messages = MessageTable(connection)
        self._events = EventTable(connection)
        self.touched_classes: set[JobClass] = set()
        self.has_new_events = False
        self._appliers: dict[type, Callable[[Task, int], Answer]] = {
            Transact: self._transact,
            WriteEach: self._write_each,
            SendMessages: self._send,
            ExtendMessages: self._extend,
            DeleteMessages: self._delete,
            AppendEvents: self._append,
            ReceiveMessages: self._receive,
            Purge: self._purge,
        }

    def forget_wakeups(self) -> None:
        """Starts a batch: nobody is to be woken yet."""
        self.touched_classes = set()
        self.has_new_events = False

    def apply(self, task: Task, now_ms: int) -> Answer:
        """Does one task inside the open transaction.

        Raises:
            BadTaskError: the task cannot be stored; the transaction must be rolled back.
            apsw.FullError, apsw.IOError: the disk; the transaction must be rolled back.
        """
        try:
            return self._appliers[type(task)](task, now_ms)
        except ConditionFailedError as refused:
            return refused
        except (apsw.FullError, apsw.IOError):
            raise
        except (apsw.Error, ValueError, OverflowError, TypeError) as exc:
            raise BadTaskError(task) from exc

    def _transact(self, task: Task, _now_ms: int) -> Answer:
        assert isinstance(task, Transact)  # noqa: S101 - by the table of appliers
        self._items.transact(task.writes)
        return None

    def _write_each(self, task: Task, _now_ms: int) -> Answer:
        assert isinstance(task, WriteEach)  # noqa: S101 - by the table of appliers
        return self._items.write_each(task.writes)

    def _send(self, task: Task, now_ms: int) -> Answer:
        assert isinstance(task, SendMessages)  # noqa: S101 - by the table of appliers
        self._messages.send(task.messages, delay_ms=task.delay_ms, now_ms=now_ms)
        self.touched_classes.update(message.job_class for message in task.messages)
        return None

    def _extend(self, task: Task, now_ms: int) -> Answer:
        assert isinstance(task, ExtendMessages)  # noqa: S101 - by the table of appliers
        classes = self._messages.extend(task.receipts, visibility_ms=task.visibility_ms, now_ms=now_ms)
        self.touched_classes.update(classes)  # a waiter's timer may now be too late
        return None

    def _delete(self, task: Task, _now_ms: int) -> Answer:
        assert isinstance(task, DeleteMessages)  # noqa: S101 - by the table of appliers
        self._messages.delete(task.receipts)
        return None

    def _append(self, task: Task, now_ms: int) -> Answer:
        assert isinstance(task, AppendEvents)  # noqa: S101 - by the table of appliers
        self._events.append(task.events, now_ms=now_ms)
        self.has_new_events = True
        return None

    def _receive(self, task: Task, now_ms: int) -> Answer:
        assert isinstance(task, ReceiveMessages)  # noqa: S101 - by the table of appliers
        return self._messages.receive(task.job_class, limit=task.limit, visibility_ms=task.visibility_ms, now_ms=now_ms)

    def _purge(self, task: Task, now_ms: int) -> Answer:
        assert isinstance(task, Purge)  # noqa: S101 - by the table of appliers
        counts = (
            self._items.purge(before_ms=task.items_expired_before_ms, limit=task.limit),
            self._messages.purge(now_ms=now_ms, limit=task.limit),
            self._events.purge(now_ms=now_ms, limit=task.limit),
        )
        return max(counts)


def bad_task_error() -> InvalidInputError:
    """Returns what the caller of a task that cannot be stored gets."""
    return InvalidInputError("the write holds text or a number that cannot be stored")


def size_of(tasks: Sequence[Task]) -> int:
    """Returns roughly how many bytes `tasks` write."""
    total = 0
    for task in tasks:
        if isinstance(task, Transact | WriteEach):
            total += WRITE_OVERHEAD_BYTES * len(task.writes)
            total += sum([len(write.item.body) for write in task.writes if isinstance(write, Put)])
        elif isinstance(task, SendMessages):
            total += WRITE_OVERHEAD_BYTES * len(task.messages)
        elif isinstance(task, AppendEvents):
            total += sum([WRITE_OVERHEAD_BYTES + len(event.body) for event in task.events])
    return total
