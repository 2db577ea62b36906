"""The queues' table, inside the transaction of a batch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import apsw

from syncwell.ports.job_queue import Delivery, JobClass, JobMessage

RETENTION_MS = 14 * 86_400_000

_SEND = """
INSERT INTO messages (class, visible_at_ms, sent_at_ms, receive_count, user_id, job_id, trace)
VALUES (?, ?, ?, 0, ?, ?, ?)
"""
_VISIBLE = """
SELECT id, receive_count, user_id, job_id, trace FROM messages
WHERE class = ? AND visible_at_ms <= ? AND sent_at_ms > ? ORDER BY visible_at_ms LIMIT ?
"""
_HIDE = "UPDATE messages SET visible_at_ms = ?, receive_count = ? WHERE id = ?"
_NEXT = "SELECT min(visible_at_ms) FROM messages WHERE class = ?"
_EXTEND = """
UPDATE messages SET visible_at_ms = ? WHERE id = ? AND receive_count = ? AND visible_at_ms > ? RETURNING class
"""
_DELETE = "DELETE FROM messages WHERE id = ? AND receive_count = ? RETURNING class"
_OLDEST = "SELECT id, class, sent_at_ms FROM messages ORDER BY id LIMIT ?"
_FORGET = "DELETE FROM messages WHERE id = ?"
_COUNT = """
INSERT INTO depths (class, messages) VALUES (?, ?)
ON CONFLICT (class) DO UPDATE SET messages = messages + excluded.messages
"""

_RECEIPT = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")  # two numbers that fit 64 bits

Row = tuple[int, int, str, str, str]


@dataclass(frozen=True, slots=True)
class Received:
    """What a receive found; `next_visible_at_ms` is set where it found nothing but something will come."""

    deliveries: tuple[Delivery, ...]
    next_visible_at_ms: int | None = None


class MessageTable:
    """The messages, as the sole writer sees them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def send(self, messages: Sequence[JobMessage], *, delay_ms: int, now_ms: int) -> None:
        """Adds messages that are visible after `delay_ms`."""
        visible_at_ms = now_ms + delay_ms
        self._connection.executemany(
            _SEND,
            [
                (message.job_class.value, visible_at_ms, now_ms, message.user_id, message.job_id, message.trace)
                for message in messages
            ],
        )
        self._count(Counter(message.job_class.value for message in messages))

    def receive(self, job_class: JobClass, *, limit: int, visibility_ms: int, now_ms: int) -> Received:
        """Hands out visible messages and hides them until `visibility_ms` from now."""
        binds = (job_class.value, now_ms, now_ms - RETENTION_MS, limit)
        rows = cast(list[Row], self._execute(_VISIBLE, binds).fetchall())
        if not rows:
            return Received((), self._execute(_NEXT, (job_class.value,)).get)
        hidden_until_ms = now_ms + visibility_ms
        self._connection.executemany(_HIDE, [(hidden_until_ms, count + 1, number) for number, count, *_ in rows])
        return Received(tuple([_delivery_of(job_class, row) for row in rows]))

    def extend(self, receipts: Iterable[str], *, visibility_ms: int, now_ms: int) -> set[JobClass]:
        """Hides messages anew where their receipt is still good; returns the classes concerned."""
        classes = set()
        for number, count in _parse_receipts(receipts):
            row = self._execute(_EXTEND, (now_ms + visibility_ms, number, count, now_ms)).fetchone()
            if row is not None:
                classes.add(JobClass(row[0]))
        return classes

    def delete(self, receipts: Iterable[str]) -> None:
        """Removes messages where their receipt is still good."""
        gone: Counter[str] = Counter()
        for number, count in _parse_receipts(receipts):
            row = self._execute(_DELETE, (number, count)).fetchone()
            if row is not None:
                gone[row[0]] -= 1
        self._count(gone)

    def purge(self, *, now_ms: int, limit: int) -> int:
        """Removes messages older than the retention among the `limit` oldest; returns how many went."""
        rows = cast(list[tuple[int, str, int]], self._execute(_OLDEST, (limit,)).fetchall())
        old = [(number, job_class) for number, job_class, sent_at_ms in rows if sent_at_ms <= now_ms - RETENTION_MS]
        self._connection.executemany(_FORGET, [(number,) for number, _ in old])
        gone: Counter[str] = Counter()
        for _, job_class in old:
            gone[job_class] -= 1
        self._count(gone)
        return len(old)

    def _count(self, changes: Counter[str]) -> None:
        for job_class, change in changes.items():
            self._execute(_COUNT, (job_class, change))


def _delivery_of(job_class: JobClass, row: Row) -> Delivery:
    number, count, user_id, job_id, trace = row
    return Delivery(JobMessage(user_id, job_id, job_class, trace), f"{number}.{count + 1}", count + 1)


def _parse_receipts(receipts: Iterable[str]) -> list[tuple[int, int]]:
    # Text of another form was never given out, and receipts that are not good are ignored.
    found = [_RECEIPT.fullmatch(receipt) for receipt in receipts]
    return [(int(match[1]), int(match[2])) for match in found if match]
