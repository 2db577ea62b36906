"""Answers to state-changing requests, kept so that a repetition gets the first one again (design D10).

A claim is a row that says INPROGRESS and dies with its lease; an answer is the same row, COMPLETED, for 24 hours. The
item's fence is a random number of the claim: whoever lost a claim to another cannot complete or release it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from syncwell.domain.errors import ConditionFailedError, OutcomeUnknownError
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.ports.item_store import Absent, Delete, FenceEquals, Item, ItemStore, Key, Put
from syncwell.repositories import keys

ANSWER_LIFE = timedelta(hours=24)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests the same; `fingerprint` tells whether they ask for the same."""

    user_id: UserId
    route: str
    idempotency_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was first given."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a request; `fence` proves it."""

    request: RequestKey
    fence: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What another run of this request left: its answer, or None while it still runs."""

    fingerprint: str
    answer: StoredAnswer | None
    expires_at_ms: int


class _AnswerRow(msgspec.Struct, frozen=True):
    fingerprint: str
    state: str  # INPROGRESS or COMPLETED
    status: int = 0
    content_type: str = ""
    body: bytes = b""


_DECODER = msgspec.msgpack.Decoder(_AnswerRow)
_ENCODER = msgspec.msgpack.Encoder()


class Answers:
    """Claims, answers and their expiry; expiry is compared, never left to the store's purge."""

    def __init__(self, store: ItemStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def claim(self, request: RequestKey, *, fence: int, lease: timedelta) -> Claim | None:
        """Claims the request for `lease`, or returns None where a live claim or answer exists."""
        now_ms = self._clock.now_ms()
        row = _AnswerRow(request.fingerprint, "INPROGRESS")
        item = _item(request, row, fence=fence, expires_at_ms=now_ms + lease // _MS)
        try:
            # An item whose time is up at this very millisecond is over, as `find` has it.
            await self._store.transact([Put(item, Absent(expired_before_ms=now_ms + 1))])
        except ConditionFailedError:
            return None
        except OutcomeUnknownError:
            stored = await self._store.get(item.key)
            if stored is None or stored.fence != fence:
                raise
        return Claim(request, fence)

    async def find(self, request: RequestKey) -> Remembered | None:
        """Returns what is remembered under the request's key, or None where nothing live is."""
        item = await self._store.get(_key(request))
        if item is None or item.expires_at_ms is None or item.expires_at_ms <= self._clock.now_ms():
            return None
        row = _DECODER.decode(item.body)
        answer = StoredAnswer(row.status, row.content_type, row.body) if row.state == "COMPLETED" else None
        return Remembered(row.fingerprint, answer, item.expires_at_ms)

    async def complete(self, claim: Claim, answer: StoredAnswer) -> bool:
        """Keeps `answer` for 24 hours; False where the claim was lost meanwhile."""
        row = _AnswerRow(claim.request.fingerprint, "COMPLETED", answer.status, answer.content_type, answer.body)
        expires_at_ms = self._clock.now_ms() + ANSWER_LIFE // _MS
        item = _item(claim.request, row, fence=claim.fence, expires_at_ms=expires_at_ms)
        (is_kept,) = await self._store.write_each([Put(item, FenceEquals(claim.fence))])
        return is_kept

    async def release(self, claim: Claim) -> None:
        """Lets the request run again at once; a claim lost meanwhile is left alone."""
        await self._store.write_each([Delete(_key(claim.request), FenceEquals(claim.fence))])


def _key(request: RequestKey) -> Key:
    return keys.idempotency(request.user_id, request.route, request.idempotency_key)


def _item(request: RequestKey, row: _AnswerRow, *, fence: int, expires_at_ms: int) -> Item:
    return Item(_key(request), _ENCODER.encode(row), fence=fence, expires_at_ms=expires_at_ms)
