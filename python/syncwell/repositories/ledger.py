"""The write ledger (design D5): links between records, and the lineage of what we wrote.

Every write carries the condition that its job still owns its fence, so that a worker that lost its job changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from syncwell.domain.errors import ConditionFailedError, FenceLostError, OutcomeUnknownError
from syncwell.domain.jobs import Job
from syncwell.domain.links import Lineage, Link, LinkState
from syncwell.domain.records import RecordId, UserId
from syncwell.ports.item_store import Absent, Delete, Item, ItemStore, Key, Put, VersionEquals, Write
from syncwell.repositories import keys
from syncwell.repositories.jobs import Jobs

GET_KEYS_MAX = 1000  # what `ItemStore.get_many` takes
CHANGES_MAX = 49  # two writes each and the fence fit into one transaction of 100

_encode_link = msgspec.msgpack.Encoder().encode
_decode_link = msgspec.msgpack.Decoder(Link).decode
_encode_lineage = msgspec.msgpack.Encoder().encode
_decode_lineage = msgspec.msgpack.Decoder(Lineage).decode


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A link as it shall be stored, over the one that was seen (its `version` says which), with its lineage."""

    link: Link
    lineage: Lineage | None = None


class Ledger:
    """Links and lineages over an item store."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    async def load_links(
        self, user_id: UserId, source_account: str, destination_account: str, record_ids: Iterable[RecordId]
    ) -> dict[RecordId, Link]:
        """Returns the links of those source records that have one, read strongly."""
        wanted = {keys.link(user_id, source_account, one, destination_account): one for one in record_ids}
        items = await self._get_all(list(wanted))
        return {wanted[key]: _decode_link(item.body) for key, item in items.items()}

    async def load_links_between(self, user_id: UserId, source_account: str, destination_account: str) -> list[Link]:
        """Returns every link between two accounts, page by page; a query of thousands, so not for the daily sync."""
        partition, prefix = keys.link_partition(user_id, source_account), keys.link_prefix(destination_account)
        found: list[Link] = []
        cursor: str | None = None
        while True:
            page = await self._store.query(partition, sort_prefix=prefix, limit=GET_KEYS_MAX, cursor=cursor)
            found += (_decode_link(item.body) for item in page.items)
            cursor = page.cursor
            if cursor is None:
                return found

    async def load_lineages(
        self, user_id: UserId, account: str, record_ids: Iterable[RecordId]
    ) -> dict[RecordId, Lineage]:
        """Returns where those records of `account` come from, as far as we know."""
        wanted = {keys.lineage(user_id, account, one): one for one in record_ids}
        items = await self._get_all(list(wanted))
        return {wanted[key]: _decode_lineage(item.body) for key, item in items.items()}

    async def save(self, job: Job, change: LinkChange) -> Link | None:
        """Writes one link on behalf of `job`; returns it as stored, or None where somebody else changed it first.

        A lost answer is read back.

        Raises:
            FenceLostError: the job belongs to another worker now; nothing was written.
            StoreUnavailableError: nothing was written.
        """
        stored = replace(change.link, version=change.link.version + 1)
        try:
            await self._store.transact([Jobs.owned(job), *_writes(job.request.user_id, change, stored)])
        except ConditionFailedError as exc:
            if 0 in exc.failed:
                raise FenceLostError("the job belongs to another worker", job_id=job.job_id) from exc
            return None
        except OutcomeUnknownError:
            if await self._read_back(job.request.user_id, stored) != stored:
                raise
        return stored

    async def save_many(self, job: Job, changes: Sequence[LinkChange]) -> list[Link | None]:
        """Writes many links, together where nobody interferes and one by one where somebody does.

        Raises:
            FenceLostError: the job belongs to another worker now; what was not yet written stays so.
            StoreUnavailableError: what was not yet written stays so.
        """
        stored: list[Link | None] = []
        for start in range(0, len(changes), CHANGES_MAX):
            stored.extend(await self._save_batch(job, changes[start : start + CHANGES_MAX]))
        return stored

    async def withdraw(self, job: Job, link: Link) -> None:
        """Removes an announced write that certainly did not happen; what people said of the record stays.

        Raises:
            FenceLostError: the job belongs to another worker now, or the link was changed; nothing was removed.
        """
        is_as_seen = VersionEquals(link.version)
        withdrawal: Write = Delete(_link_key(job.request.user_id, link), is_as_seen)
        if link.apart_from:
            apart = replace(link, state=LinkState.APART, version=link.version + 1)
            withdrawal = Put(_item(job.request.user_id, apart), is_as_seen)
        try:
            await self._store.transact([Jobs.owned(job), withdrawal])
        except ConditionFailedError as exc:
            raise FenceLostError("the link belongs to another worker", job_id=job.job_id) from exc

    async def _save_batch(self, job: Job, changes: Sequence[LinkChange]) -> list[Link | None]:
        stored = [replace(change.link, version=change.link.version + 1) for change in changes]
        writes: list[Write] = [Jobs.owned(job)]
        for change, link in zip(changes, stored, strict=True):
            writes.extend(_writes(job.request.user_id, change, link))
        try:
            await self._store.transact(writes)
        except (ConditionFailedError, OutcomeUnknownError):
            return [await self._save_again(job, change) for change in changes]
        return list(stored)

    async def _save_again(self, job: Job, change: LinkChange) -> Link | None:
        """Writes one change whose batch may have been written: finding it there is as good."""
        wanted = replace(change.link, version=change.link.version + 1)
        if await self._read_back(job.request.user_id, wanted) == wanted:
            return wanted
        return await self.save(job, change)

    async def _read_back(self, user_id: UserId, link: Link) -> Link | None:
        item = await self._store.get(_link_key(user_id, link))
        return None if item is None else _decode_link(item.body)

    async def _get_all(self, wanted: Sequence[Key]) -> dict[Key, Item]:
        found: dict[Key, Item] = {}
        for start in range(0, len(wanted), GET_KEYS_MAX):
            found.update(await self._store.get_many(wanted[start : start + GET_KEYS_MAX]))
        return found


def _writes(user_id: UserId, change: LinkChange, stored: Link) -> list[Write]:
    # Settles: two jobs of one pair that announce, confirm or withdraw the same record's write.
    is_as_seen = VersionEquals(change.link.version) if change.link.version else Absent()
    writes: list[Write] = [Put(_item(user_id, stored), is_as_seen)]
    if change.lineage is not None:
        key = keys.lineage(user_id, stored.destination_account, stored.destination_id)
        writes.append(Put(Item(key, _encode_lineage(change.lineage))))
    return writes


def _item(user_id: UserId, link: Link) -> Item:
    return Item(_link_key(user_id, link), _encode_link(link), version=link.version, fence=link.fence)


def _link_key(user_id: UserId, link: Link) -> Key:
    return keys.link(user_id, link.source_account, link.source_id, link.destination_account)
