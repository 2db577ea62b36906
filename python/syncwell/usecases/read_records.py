"""Reads metadata of both sides: paged, bounded, each page under a fresh deadline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from syncwell.domain.connections import Connection
from syncwell.domain.errors import LimitExceededError, ProviderInvalidAnswerError
from syncwell.domain.records import RecordId, RecordMetadata
from syncwell.ports.clock import Clock
from syncwell.ports.roles import ProviderSessions, Source, SourcePage, Window
from syncwell.repositories.cursors import Cursor
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.start_clusters import windows_around
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import SyncPair

PAGES_MAX = 5_000  # a listing with more pages than that goes round in circles
CLOCK_SLACK = timedelta(hours=24)  # clocks of devices run ahead; a later start is a wrong one
ZONE_SLACK = timedelta(hours=24)  # whole-hour shifts reach 14 h; a long workout may begin before its copy
WORKOUT_MAX = timedelta(days=30)
OFFSET_S_MAX = 18 * 3600
EVER = Window(0, 1 << 53)


@dataclass(frozen=True, slots=True)
class SourceReading:
    """What the source has: usable records in order of start, and those whose times make no sense.

    `began_ms` is when the reading began, where the source lists by change time; None where it lists by start.
    """

    records: tuple[RecordMetadata, ...]
    invalid: tuple[RecordMetadata, ...]
    began_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list of an account: `spans` are pairs of the window to ask for and the starts to keep of it."""

    connection: Connection
    role: Source
    spans: tuple[tuple[Window, Window], ...]


class ReadRecords:
    """Lists records of the two accounts of a pair."""

    def __init__(self, *, sessions: ProviderSessions, clock: Clock, limits: SyncLimits) -> None:
        self._sessions = sessions
        self._clock = clock
        self._limits = limits

    def window_of(self, pair: SyncPair, cursor: Cursor) -> Window:
        """Returns what a job must look at: its own range, or everything since the cursor with the overlap.

        A range asks for starts; a source that lists by change time may have got them at any moment since.
        """
        now_ms = self._clock.now_ms()
        if (asked := pair.request.date_range) is not None:
            end_ms = now_ms if pair.source_can.lists_by_change_time else asked.end_ms
            return Window(asked.start_ms, max(end_ms, asked.end_ms))
        if cursor.seen_until_ms is None:
            start_ms = now_ms - _milliseconds(self._limits.first_window)
        else:
            start_ms = cursor.seen_until_ms - _milliseconds(pair.source_can.cursor_overlap)
        return Window(max(0, start_ms), now_ms + _milliseconds(CLOCK_SLACK))

    async def read_source(self, lease: JobLease, pair: SyncPair, window: Window) -> SourceReading:
        """Returns the source's records of `window`, each once, and only those that a job's own range asks for.

        Raises:
            LimitExceededError: more records than one job may hold.
            ProviderError: the listing failed.
        """
        began_ms = self._clock.now_ms()
        wanted = window
        if pair.source_can.lists_by_change_time:
            asked = pair.request.date_range
            wanted = EVER if asked is None else Window(asked.start_ms, asked.end_ms)
        records = await self._read(lease, pair, Listing(pair.source, pair.reading, ((window, wanted),)))
        usable = tuple(record for record in records if _is_usable(record))
        invalid = tuple(record for record in records if not _is_usable(record))
        return SourceReading(usable, invalid, began_ms if pair.source_can.lists_by_change_time else None)

    async def read_destination(
        self, lease: JobLease, pair: SyncPair, records: tuple[RecordMetadata, ...]
    ) -> tuple[RecordMetadata, ...]:
        """Returns the destination's records that could be one of `records`; none where it cannot be read.

        Raises:
            LimitExceededError: more records than one job may hold.
            ProviderError: the listing failed.
        """
        if pair.listing is None or not records:
            return ()
        until_ms = self._clock.now_ms() + _milliseconds(CLOCK_SLACK)
        starts = windows_around(records, slack=ZONE_SLACK, until_ms=until_ms)
        spans = tuple((window, window) for window in starts)
        if pair.destination_can.lists_by_change_time:
            # Nothing arrives before it starts: what started in any of them arrived since the first of them.
            since_first = Window(starts[0].start_ms, max(until_ms, starts[-1].end_ms))
            spans = ((since_first, Window(starts[0].start_ms, starts[-1].end_ms)),)
        found = await self._read(lease, pair, Listing(pair.destination, pair.listing, spans))
        return tuple(record for record in found if _is_usable(record))

    async def _read(self, lease: JobLease, pair: SyncPair, listing: Listing) -> tuple[RecordMetadata, ...]:
        found: dict[RecordId, RecordMetadata] = {}
        for window, wanted in listing.spans:
            cursor: str | None = None
            for _ in range(PAGES_MAX):
                page = await self._fetch_page(lease, pair, listing, window, cursor)
                # Pages shift while they are read: the later sight of a record replaces the earlier one.
                kept = (one for one in page.records if wanted.start_ms <= one.start_ms < wanted.end_ms)
                found.update({one.record_id: _without_nonsense(one) for one in kept})
                if len(found) > self._limits.records_max:
                    raise LimitExceededError("more records than one job may read; ask for a shorter range")
                cursor = page.cursor
                if cursor is None:
                    break
            else:
                raise ProviderInvalidAnswerError("the listing never ends", provider=listing.connection.provider)
        return tuple(sorted(found.values(), key=lambda one: (one.start_ms, one.record_id)))

    async def _fetch_page(
        self, lease: JobLease, pair: SyncPair, listing: Listing, window: Window, cursor: str | None
    ) -> SourcePage:
        await lease.refresh()
        session = self._sessions.open(
            listing.connection, priority=pair.request.priority, deadline_ms=lease.call_deadline_ms()
        )
        return await listing.role.fetch_metadata(session, pair.request.data_type, window, cursor=cursor)


def _without_nonsense(record: RecordMetadata) -> RecordMetadata:
    """Drops an offset that no clock on earth has; the start in UTC is good without it."""
    if record.utc_offset_s is None or abs(record.utc_offset_s) <= OFFSET_S_MAX:
        return record
    return replace(record, utc_offset_s=None)


def _is_usable(record: RecordMetadata) -> bool:
    return 0 < record.elapsed_ms <= _milliseconds(WORKOUT_MAX) and bool(record.record_id)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
