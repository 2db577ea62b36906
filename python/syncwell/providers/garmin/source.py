"""Reading from Garmin: summaries by upload day, recordings by the addresses that Garmin names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import (
    InvalidFileError,
    ProviderInvalidAnswerError,
    ReauthenticationNeededError,
    UnsupportedPairError,
)
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
        return page_of(summaries, position)

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        """Yields each workout from its FIT file under Garmin's own title and sport.

        The lists of files are asked once for each upload day.
        """
        lists: dict[int, dict[str, ActivityFile]] = {}
        for record in records:
            if record.is_manual:
                yield record.record_id, workout_without_file(record)
                continue
            try:
                yield record.record_id, await self._fetch_workout(session, record, lists)
            except ProviderInvalidAnswerError as exc:
                raise ProviderInvalidAnswerError(exc.message, **{**exc.fields, "record_id": record.record_id}) from exc

    async def _fetch_workout(
        self, session: ProviderSession, record: RecordMetadata, lists: dict[int, dict[str, ActivityFile]]
    ) -> CanonicalWorkout | None:
        for day in self._file_days(record):
            if day not in lists:
                lists[day] = await self._fetch_files(session, day)
            if record.record_id in lists[day]:
                return await fetch_recording(session, lists[day][record.record_id], record)
        summaries = await self._fetch_summaries(session, day_in(record.version))
        if all(each.record_id != record.record_id for each in summaries):
            return None
        raise ProviderInvalidAnswerError("Garmin lists no recording of this activity", provider=PROVIDER)

    def _file_days(self, record: RecordMetadata) -> list[int]:
        """Returns the upload days on which a file may be registered, the likeliest first.

        That is the day of the summary, or the next where the two fell on two sides of midnight; after an edit sent the
        summary again, the days on which most recordings are uploaded first.
        """
        summary_day, start_day = day_in(record.version), record.start_ms // 1000 // DAY_S
        today = self._clock.now_ms() // 1000 // DAY_S
        days = dict.fromkeys((summary_day, summary_day + 1, start_day, start_day + 1))
        return [day for day in days if 0 <= day <= today]

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
        ProviderInvalidAnswerError: the file cannot be read, or its address is no longer good.
    """
    try:
        response = await session.request("GET", entry.callback_url, body_bytes_max=FILE_BYTES_MAX)
    except ReauthenticationNeededError as exc:
        # The address carries a token of its own: its death says nothing of the person's grant, which the next
        # listing will ask for anyway.
        raise ProviderInvalidAnswerError(
            "Garmin's address of a recording is no longer good", provider=PROVIDER
        ) from exc
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


def page_of(summaries: Sequence[Summary], position: Position) -> SourcePage:
    """Returns the next page of a day's summaries, newest revision of each activity only."""
    newest = {each.record_id: each for each in summaries}
    found = [metadata_of(each, upload_day=position.day) for each in newest.values()]
    end = min(len(found), position.offset + PAGE_RECORDS_MAX)
    following = position.after(given=end, available=len(found))
    return SourcePage(
        records=tuple(found[position.offset : end]), cursor=following.cursor if following is not None else None
    )


def refuse_other(data_type: DataType) -> None:
    """Raises for the kinds of data that this adapter does not read."""
    if data_type is not DataType.WORKOUT:
        raise UnsupportedPairError("this adapter reads workouts only", provider=PROVIDER, data_type=data_type)
