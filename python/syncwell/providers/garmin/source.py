"""Reading from Garmin: summaries by upload day, recordings by the addresses that Garmin names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidFileError, ProviderInvalidAnswerError, UnsupportedPairError
from syncwell.domain.records import DataType, RecordId, RecordMetadata
from syncwell.ports.clock import Clock
from syncwell.ports.roles import ProviderSession, SourcePage, Window
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.garmin.errors import refuse
from syncwell.providers.garmin.mapping import metadata_of, workout_of_file, workout_without_file
from syncwell.providers.garmin.payloads import ActivityFile, Summary
from syncwell.providers.garmin.settings import PROVIDER
from syncwell.providers.garmin.upload_days import DAY_S, Position, day_in, position_of, upload_params
from syncwell.providers.response import decode

PAGE_RECORDS_MAX = 500
FILE_BYTES_MAX = 32_000_000
FIT = "FIT"
# Where a file's answer is one of these, the activity was deleted.
GONE_STATUSES = frozenset({404, 410})
# A summary and its file may be registered on two sides of midnight.
FILE_DAYS_TRIED = 2


class GarminSource:
    """Implements `Source` for workouts."""

    def __init__(self, clock: Clock) -> None:
        """Walks uploads up to the present moment of `clock`."""
        self._clock = clock

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        """Asks for the uploads of the last day; where `since_ms` is older, one call cannot tell and it says True."""
        refuse_other(data_type)
        now_ms = self._clock.now_ms()
        day = now_ms // 1000 // DAY_S
        if since_ms // 1000 // DAY_S < day:
            return True
        return bool(await self._fetch_summaries(session, day))

    async def fetch_metadata(
        self, session: ProviderSession, data_type: DataType, window: Window, *, cursor: str | None = None
    ) -> SourcePage:
        """Returns the records of one upload day (see `upload_days`); a page may be empty before the end.

        A record that was sent again appears under both days: the later page is the truer one.
        """
        refuse_other(data_type)
        position = position_of(cursor, window, now_ms=self._clock.now_ms())
        if position is None:
            return SourcePage(records=())
        summaries = await self._fetch_summaries(session, position.day)
        return page_of(summaries, position, window)

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        """Yields each workout from its FIT file under Garmin's own title and sport; the lists of files are asked once
        for each upload day."""
        lists: dict[int, dict[str, ActivityFile]] = {}
        for record in records:
            if record.is_manual:
                yield record.record_id, workout_without_file(record)
                continue
            try:
                entry = await self._find_file(session, record, lists)
                yield record.record_id, await fetch_recording(session, entry, record)
            except ProviderInvalidAnswerError as exc:
                raise ProviderInvalidAnswerError(exc.message, **{**exc.fields, "record_id": record.record_id}) from exc

    async def _find_file(
        self, session: ProviderSession, record: RecordMetadata, lists: dict[int, dict[str, ActivityFile]]
    ) -> ActivityFile:
        first = day_in(record.version)
        today = self._clock.now_ms() // 1000 // DAY_S
        for day in range(first, min(first + FILE_DAYS_TRIED, today + 1)):
            if day not in lists:
                lists[day] = await self._fetch_files(session, day)
            if record.record_id in lists[day]:
                return lists[day][record.record_id]
        raise ProviderInvalidAnswerError("Garmin lists no recording of this activity", provider=PROVIDER)

    async def _fetch_summaries(self, session: ProviderSession, day: int) -> list[Summary]:
        response = await session.request("GET", "activities", params=upload_params(day, now_ms=self._clock.now_ms()))
        if response.status != 200:
            refuse(response, "list activities")
        return [each for each in decode(response, list[Summary], provider=PROVIDER) if each.record_id]

    async def _fetch_files(self, session: ProviderSession, day: int) -> dict[str, ActivityFile]:
        response = await session.request("GET", "activityFiles", params=upload_params(day, now_ms=self._clock.now_ms()))
        if response.status != 200:
            refuse(response, "list recordings")
        entries = decode(response, list[ActivityFile], provider=PROVIDER)
        return {each.record_id: each for each in entries if (each.file_type or FIT).upper() == FIT}


async def fetch_recording(
    session: ProviderSession, entry: ActivityFile, record: RecordMetadata
) -> CanonicalWorkout | None:
    """Returns the workout in a recording; None when it is gone.

    Raises:
        ProviderInvalidAnswerError: the file cannot be read.
    """
    response = await session.request("GET", entry.callback_url, body_bytes_max=FILE_BYTES_MAX)
    if response.status in GONE_STATUSES:
        return None
    if response.status != 200:
        refuse(response, "give a recording")
    try:
        # Pure computing, a tenth of a second for an hour's ride: away from the loop.
        workouts = await asyncio.to_thread(read_fit, response.body)
    except InvalidFileError as exc:
        raise ProviderInvalidAnswerError("Garmin's recording cannot be read", provider=PROVIDER) from exc
    if not workouts:
        raise ProviderInvalidAnswerError("Garmin's recording holds no workout", provider=PROVIDER)
    return workout_of_file(workouts, record)


def page_of(summaries: Sequence[Summary], position: Position, window: Window) -> SourcePage:
    """Returns the next page of a day's summaries, newest revision of each activity only."""
    newest = {each.record_id: each for each in summaries}
    found = [
        record
        for record in (metadata_of(each, upload_day=position.day) for each in newest.values())
        if window.start_ms <= record.start_ms < window.end_ms
    ]
    end = min(len(found), position.offset + PAGE_RECORDS_MAX)
    following = position.after(given=end, available=len(found))
    return SourcePage(
        records=tuple(found[position.offset : end]), cursor=following.cursor if following is not None else None
    )


def refuse_other(data_type: DataType) -> None:
    """Raises for the kinds of data that this adapter does not read."""
    if data_type is not DataType.WORKOUT:
        raise UnsupportedPairError("this adapter reads workouts only", provider=PROVIDER, data_type=data_type)
