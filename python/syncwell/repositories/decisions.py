"""What became of each record of a job, in pages that are kept for 30 days.

A page carries the fence of the run that wrote it. A finished job keeps the fence of the run that committed it, so pages
of runs that died are never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from syncwell.domain.errors import FenceLostError, InvalidInputError
from syncwell.domain.jobs import Job
from syncwell.domain.resolution import Decision
from syncwell.ports.item_store import FenceNotHigher, Item, ItemStore, Put
from syncwell.repositories import keys

PAGE_DECISIONS = 100
PAGES_AT_ONCE = 25
DECISION_LIFE = timedelta(days=30)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Decision, ...]).decode


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Decisions in the order of the job's pages; `cursor` is None on the last page."""

    decisions: tuple[Decision, ...]
    cursor: str | None


class Decisions:
    """Pages of decisions over an item store."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    async def save(self, job: Job, decisions: Sequence[Decision], *, now_ms: int) -> None:
        """Writes all pages of this run; they are shown once the job is committed under the same fence.

        Raises:
            FenceLostError: a later run has written pages already.
            StoreUnavailableError: some pages may be missing; the run must not commit.
        """
        pages = [decisions[start : start + PAGE_DECISIONS] for start in range(0, len(decisions), PAGE_DECISIONS)]
        # Settles: a paused run that wakes up after its successor has written its own pages.
        is_latest_run = FenceNotHigher(job.fence)
        puts = [Put(_item(job, number, page, now_ms), is_latest_run) for number, page in enumerate(pages)]
        for start in range(0, len(puts), PAGES_AT_ONCE):
            if not all(await self._store.write_each(puts[start : start + PAGES_AT_ONCE])):
                raise FenceLostError("a later run has written this job's decisions", job_id=job.job_id)

    async def load_page(self, job: Job, *, now_ms: int, cursor: str | None = None) -> DecisionPage:
        """Returns one page; empty where the job is not committed or its pages have expired.

        Raises:
            InvalidInputError: the cursor is not one of ours.
        """
        number = 0 if cursor is None else _number(cursor)
        user_id = job.request.user_id
        items = await self._store.get_many([keys.decision_page(user_id, job.job_id, n) for n in (number, number + 1)])
        shown = {
            key: item
            for key, item in items.items()
            if item.fence == job.fence and item.expires_at_ms is not None and item.expires_at_ms > now_ms
        }
        here = shown.get(keys.decision_page(user_id, job.job_id, number))
        if here is None or not job.state.is_terminal:
            return DecisionPage((), None)
        has_next = keys.decision_page(user_id, job.job_id, number + 1) in shown
        return DecisionPage(_decode(here.body), str(number + 1) if has_next else None)


def _item(job: Job, number: int, decisions: Sequence[Decision], now_ms: int) -> Item:
    # Fingerprints belong to the link, which is erased with its user's key; they are not repeated here.
    shown = tuple(replace(decision, field_fingerprints={}) for decision in decisions)
    return Item(
        keys.decision_page(job.request.user_id, job.job_id, number),
        _encode(shown),
        fence=job.fence,
        expires_at_ms=now_ms + DECISION_LIFE // timedelta(milliseconds=1),
    )


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 6:
        raise InvalidInputError("this page cursor is not one of ours; begin with the first page", field="cursor")
    return int(cursor)
