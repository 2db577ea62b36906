"""Fetches full workouts of the records that will be written, a bounded group at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import ProviderInvalidAnswerError
from syncwell.domain.records import RecordId, RecordMetadata
from syncwell.domain.resolution import Reason
from syncwell.ports.roles import ProviderSessions
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import SyncPair

Payload = CanonicalWorkout | Reason


class FetchPayloads:
    """Hydrates records. Nothing is fetched that nobody will write."""

    def __init__(self, *, sessions: ProviderSessions, limits: SyncLimits) -> None:
        self._sessions = sessions
        self._limits = limits

    async def fetch(
        self, lease: JobLease, pair: SyncPair, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, Payload]]:
        """Yields each record once: its workout, or the reason why there is none.

        At most one group is in memory here.

        Raises:
            FenceLostError: the job belongs to another worker now.
            ProviderError: the source failed in a way that concerns more than one record.
        """
        for start in range(0, len(records), self._limits.payloads_at_once):
            group = {one.record_id: one for one in records[start : start + self._limits.payloads_at_once]}
            for record_id, payload in (await self._fetch_group(lease, pair, group)).items():
                yield record_id, payload

    async def _fetch_group(
        self, lease: JobLease, pair: SyncPair, group: dict[RecordId, RecordMetadata]
    ) -> dict[RecordId, Payload]:
        fetched: dict[RecordId, Payload] = {}
        while left := [record for record_id, record in group.items() if record_id not in fetched]:
            await lease.refresh()
            session = self._sessions.open(
                pair.source, priority=pair.request.priority, deadline_ms=lease.call_deadline_ms()
            )
            try:
                async for record_id, workout in pair.reading.fetch_payloads(session, left):
                    fetched[record_id] = Reason.SOURCE_DELETED if workout is None else workout
            except ProviderInvalidAnswerError as exc:
                broken = RecordId(exc.fields.get("record_id", ""))
                if broken not in group or broken in fetched:
                    raise
                fetched[broken] = Reason.PROVIDER_INVALID
                continue
            # A record that the source listed and then neither gave nor denied.
            fetched.update(
                {record.record_id: Reason.PROVIDER_INVALID for record in left if record.record_id not in fetched}
            )
        return fetched
