"""Rows of dead letters: by class of job, oldest first, until a redrive moves what is left of them into the archive."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from syncwell.domain.dead_letters import DeadLetter, RedrivenLetter
from syncwell.domain.errors import ConditionFailedError, InvalidInputError, LimitExceededError
from syncwell.ports.item_store import Absent, Delete, Exists, Item, ItemStore, Key, Put, VersionEquals, Write
from syncwell.ports.job_queue import JobClass
from syncwell.repositories import keys

ARCHIVE_LIFE = timedelta(days=365)
CONFLICTS_MAX = 20  # redrives that begin at the same moment
_CURSOR_SEPARATOR = ":"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeadLetter).decode


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Letters by class, oldest first within a class; `cursor` is None on the last page."""

    letters: tuple[DeadLetter, ...]
    cursor: str | None


class DeadLetters:
    """Dead letters over an item store."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    @staticmethod
    def entry(letter: DeadLetter) -> Put:
        """Returns the write that goes into the transaction that gives the job up."""
        return Put(Item(_key(letter), _encode(letter), at_ms=letter.at_ms))

    async def list_page(self, job_class: JobClass | None, *, limit: int, cursor: str | None = None) -> LetterPage:
        """Returns a page of one class or of all.

        Raises:
            InvalidInputError: the cursor is not one of ours.
        """
        classes = list(JobClass) if job_class is None else [job_class]
        inner: str | None = None
        if cursor is not None:
            classes, inner = _after(cursor, classes)
        found: list[DeadLetter] = []
        for position, each in enumerate(classes):
            page = await self._store.query(keys.dead_letter_partition(each), limit=limit - len(found), cursor=inner)
            inner = None
            found += (_decode(item.body) for item in page.items)
            if page.cursor is not None:
                return LetterPage(tuple(found), f"{each}{_CURSOR_SEPARATOR}{page.cursor}")
            if len(found) >= limit:
                rest = classes[position + 1 :]
                return LetterPage(tuple(found), f"{rest[0]}{_CURSOR_SEPARATOR}" if rest else None)
        return LetterPage(tuple(found), None)

    async def reserve_slots(self, count: int, *, now_ms: int, interval_ms: int) -> int:
        """Books the next `count` places of the one line in which redriven jobs begin; returns the first one's time.

        Everybody who redrives stands in the same line, so that the rate holds however often it is asked for.

        Raises:
            LimitExceededError: too many redrives begin at once; nothing was booked.
        """
        for _ in range(CONFLICTS_MAX):
            item = await self._store.get(keys.redrive_pace())
            next_ms = 0 if item is None else msgspec.msgpack.decode(item.body, type=int)
            first_ms = max(now_ms, next_ms)
            # Settles: two redrives that would book the same places.
            is_as_seen = Absent() if item is None else VersionEquals(item.version)
            version = 1 if item is None else item.version + 1
            booked = Item(keys.redrive_pace(), _encode(first_ms + count * interval_ms), version=version)
            try:
                await self._store.transact([Put(booked, is_as_seen)])
            except ConditionFailedError:
                continue
            return first_ms
        raise LimitExceededError("others redrive at this moment; try again", retry_after=timedelta(seconds=1))

    async def drop(self, letter: DeadLetter, redriven: RedrivenLetter) -> None:
        """Moves out a letter whose job is gone or runs again; harmless where somebody else has moved it."""
        with contextlib.suppress(ConditionFailedError):
            await self._store.transact(self.archived(letter, redriven))

    @staticmethod
    def archived(letter: DeadLetter, redriven: RedrivenLetter) -> Sequence[Write]:
        """Returns the writes that move a letter out; refused where somebody else has moved it."""
        key = keys.archived_letter(letter.job_class, redriven.redriven_at_ms, letter.job_id)
        expires_at_ms = redriven.redriven_at_ms + ARCHIVE_LIFE // timedelta(milliseconds=1)
        return [
            Delete(_key(letter), Exists()),
            Put(Item(key, _encode(redriven), expires_at_ms=expires_at_ms)),
        ]


def _key(letter: DeadLetter) -> Key:
    return keys.dead_letter(letter.job_class, letter.at_ms, letter.job_id)


def _after(cursor: str, classes: Sequence[JobClass]) -> tuple[list[JobClass], str | None]:
    name, found, inner = cursor.partition(_CURSOR_SEPARATOR)
    known = {str(each): position for position, each in enumerate(classes)}
    if not found or name not in known:
        raise InvalidInputError("this page cursor is not one of ours; begin with the first page", field="cursor")
    return list(classes[known[name] :]), inner or None
