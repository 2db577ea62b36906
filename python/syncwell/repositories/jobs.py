"""Job rows: the truth that queue messages only point at (design D4, D10).

While a job waits it stands in the due bucket `PARK`, while it runs in `LEASE`; a finished job leaves every index and
expires after 90 days. Whatever changes a row names the version that it read, so that of two writers one wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import msgspec

from syncwell.domain import job_life, sharding
from syncwell.domain.errors import ConditionFailedError, FenceLostError, IdempotencyKeyReusedError, OutcomeUnknownError
from syncwell.domain.jobs import Job, JobId, JobState
from syncwell.domain.records import UserId
from syncwell.ports.item_store import Absent, Check, Due, FenceEquals, Item, ItemStore, Put, VersionEquals, Write
from syncwell.repositories import keys

JOB_LIFE = timedelta(days=90)
HINT_GRACE = timedelta(seconds=30)  # a hint is normally taken within milliseconds; later it counts as lost

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Job).decode


class ClaimKind(StrEnum):
    """How a claim ended."""

    GRANTED = "granted"
    HELD = "held"
    EARLY = "early"
    FINISHED = "finished"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim. `until_ms` says when a held or early job may be asked for again."""

    kind: ClaimKind
    job: Job | None = None
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first; `cursor` is None on the last page."""

    jobs: tuple[Job, ...]
    cursor: str | None


class Jobs:
    """Job rows over an item store. `bucket_of` tells a user's bucket of 256."""

    def __init__(
        self,
        store: ItemStore,
        *,
        bucket_of: Callable[[UserId], int] = sharding.bucket_of,
        hint_grace: timedelta = HINT_GRACE,
    ) -> None:
        self._store = store
        self._bucket_of = bucket_of
        self._hint_grace_ms = hint_grace // timedelta(milliseconds=1)

    async def insert(self, job: Job, *, now_ms: int) -> tuple[Job, bool]:
        """Writes a new job durably, or finds the one that the same key made; returns it and whether it was there.

        Raises:
            IdempotencyKeyReusedError: the key made a job from another request.
            StoreUnavailableError: nothing was written.
            OutcomeUnknownError: the answer was lost and so was the reading back; the same call again is safe.
        """
        # Settles: the same request twice at once, a repetition after a lost answer, an expired job's key used anew.
        is_new = Absent(expired_before_ms=now_ms + 1)
        try:
            (was_written,) = await self._store.write_each([Put(self._item(job), is_new)])
        except OutcomeUnknownError:
            was_written = False
        if was_written:
            return job, False
        stored = same_request(await self._read_back(job), job)
        return stored, stored != job

    async def load(self, user_id: UserId, job_id: JobId, *, now_ms: int) -> Job | None:
        """Returns the job, read strongly; None where there is none of this user."""
        if "#" in job_id or not job_id:
            return None  # ids of ours never look like that, and keys refuse them
        item = await self._store.get(keys.job(user_id, job_id))
        if item is None or (item.expires_at_ms is not None and item.expires_at_ms <= now_ms):
            return None
        return _decode(item.body)

    async def list_newest(self, user_id: UserId, *, now_ms: int, limit: int, cursor: str | None = None) -> JobPage:
        """Returns a page of the user's jobs, newest first; may lag a moment behind."""
        page = await self._store.query_by_time(
            keys.user_partition(user_id), sort_prefix=keys.JOB_PREFIX, limit=limit, cursor=cursor
        )
        live = [item for item in page.items if item.expires_at_ms is None or item.expires_at_ms > now_ms]
        return JobPage(tuple(_decode(item.body) for item in live), page.cursor)

    async def claim(self, user_id: UserId, job_id: JobId, *, owner: str, now_ms: int, lease: timedelta) -> Claim:
        """Takes the job for `owner`, unless it is finished, waits, or another's lease lives; never blocks.

        Raises:
            StoreUnavailableError: nothing was claimed.
        """
        job = await self.load(user_id, job_id, now_ms=now_ms)
        if job is None:
            return Claim(ClaimKind.MISSING)
        if job.state.is_terminal:
            return Claim(ClaimKind.FINISHED, job)
        if job.has_live_lease(now_ms):
            return Claim(ClaimKind.HELD, job, job.lease_until_ms)
        if job.retry_at_ms is not None and now_ms < job.retry_at_ms:
            return Claim(ClaimKind.EARLY, job, job.retry_at_ms)
        taken = job_life.claimed(job, owner=owner, now_ms=now_ms, lease=lease)
        try:
            await self.replace(job, taken)
        except FenceLostError:
            return Claim(ClaimKind.HELD, job, now_ms + lease // timedelta(milliseconds=1))
        return Claim(ClaimKind.GRANTED, taken)

    async def replace(self, seen: Job, wanted: Job, also: Sequence[Write] = ()) -> None:
        """Writes `wanted` over `seen`, together with `also`, or nothing.

        A lost answer is read back: what is stored tells whether the write was done.

        Raises:
            FenceLostError: somebody changed the row since `seen` was read; nothing was written.
            ConditionFailedError: the row is as seen, but a write of `also` was refused; nothing was written.
            StoreUnavailableError: nothing was written.
            OutcomeUnknownError: the answer was lost and so was the reading back.
        """
        # Settles: two claims at once, a claim against a cancellation, a late owner against its successor.
        is_as_seen = VersionEquals(seen.version)
        try:
            await self._store.transact([Put(self._item(wanted), is_as_seen), *also])
        except ConditionFailedError as exc:
            if 0 not in exc.failed:
                raise
            raise FenceLostError("the job was changed by somebody else", job_id=seen.job_id) from exc
        except OutcomeUnknownError:
            if await self._read_back(wanted) != wanted:
                raise

    async def list_due(self, bucket: int, *, now_ms: int, limit: int) -> tuple[Job, ...]:
        """Returns waiting jobs whose time has come and running jobs whose lease has ended; may be stale."""
        waiting = await self._store.query_due(keys.parked_bucket(bucket), until_ms=now_ms, limit=limit)
        running = await self._store.query_due(keys.lease_bucket(bucket), until_ms=now_ms, limit=limit)
        return tuple(_decode(item.body) for item in (*waiting.items, *running.items))

    def new(self, job: Job, *, now_ms: int) -> Put:
        """Returns the write of a job that must not be there yet, for a larger transaction."""
        return Put(self._item(job), Absent(expired_before_ms=now_ms + 1))

    @staticmethod
    def owned(job: Job) -> Check:
        """Returns the condition that every store write on behalf of `job` carries."""
        return Check(keys.job(job.request.user_id, job.job_id), FenceEquals(job.fence))

    async def _read_back(self, job: Job) -> Job:
        item = await self._store.get(keys.job(job.request.user_id, job.job_id))
        if item is None:
            raise OutcomeUnknownError("the job could not be read back; ask again", job_id=job.job_id)
        return _decode(item.body)

    def _item(self, job: Job) -> Item:
        is_over = job.state.is_terminal
        return Item(
            keys.job(job.request.user_id, job.job_id),
            _encode(job),
            version=job.version,
            fence=job.fence,
            due=None if is_over else self._due(job),
            at_ms=job.created_at_ms,
            expires_at_ms=job.updated_at_ms + JOB_LIFE // timedelta(milliseconds=1) if is_over else None,
        )

    def _due(self, job: Job) -> Due:
        bucket = self._bucket_of(job.request.user_id)
        if job.state is JobState.RUNNING:
            return Due(keys.lease_bucket(bucket), job.lease_until_ms)
        if job.retry_at_ms is not None:
            return Due(keys.parked_bucket(bucket), job.retry_at_ms)
        return Due(keys.parked_bucket(bucket), job.updated_at_ms + self._hint_grace_ms)


def same_request(stored: Job, asked: Job) -> Job:
    """Returns `stored` if `asked` repeats its request.

    Raises:
        IdempotencyKeyReusedError: the same key came with another request.
    """
    if stored.request_fingerprint != asked.request_fingerprint:
        raise IdempotencyKeyReusedError("this Idempotency-Key was used with another request; take a new one")
    return stored
