"""Reading Garmin: one call a day, one list of files a day, files from Garmin's own host only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncwell.api.record.v1.record_pb2 import SPORT_RUN, CanonicalWorkout
from syncwell.domain.errors import (
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ReauthenticationNeededError,
    UnsupportedPairError,
)
from syncwell.domain.records import DataType, RecordId, RecordMetadata, Sport
from syncwell.ports.roles import Window
from syncwell.providers.files.fit_writer import write_fit
from syncwell.providers.garmin.source import GarminSource
from syncwell.providers.garmin.upload_days import DAY_S
from syncwell.providers.response import Response
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.stages import ScriptedSession, answer

CLOCK = FakeClock()
TODAY = CLOCK.now_ms() // 1000 // DAY_S
START_S = TODAY * DAY_S - 50_000
WINDOW = Window((START_S - 1000) * 1000, CLOCK.now_ms())


def summary(number: int, **fields: object) -> dict[str, object]:
    """Returns one summary as Garmin gives it."""
    base = {"summaryId": str(number), "activityId": number, "activityType": "RUNNING", "activityName": f"Run {number}"}
    return {**base, "startTimeInSeconds": START_S, "durationInSeconds": 600, **fields}


def file_of(number: int, **fields: object) -> dict[str, object]:
    """Returns one entry of the list of files."""
    url = f"https://apis.garmin.com/file?id={number}"
    return {"summaryId": f"{number}-file", "activityId": number, "fileType": "FIT", "callbackURL": url, **fields}


def record(number: int, *, day: int = TODAY - 1) -> RecordMetadata:
    """Returns a listed record of an upload day."""
    return RecordMetadata(
        record_id=RecordId(str(number)),
        data_type=DataType.WORKOUT,
        sport=Sport.RUN,
        start_ms=START_S * 1000,
        elapsed_ms=600_000,
        version=f"{day}.ab",
    )


def fit() -> bytes:
    """Returns a readable recording."""
    workout = CanonicalWorkout(sport=SPORT_RUN, elapsed_ms=600_000)
    workout.start_time.FromMilliseconds(START_S * 1000)
    return write_fit(workout)


async def payloads(
    answers: list[Response | Exception], *records: RecordMetadata
) -> tuple[list[tuple[RecordId, CanonicalWorkout | None]], ScriptedSession]:
    """Returns what was given and the session that was asked."""
    session = ScriptedSession(answers)
    given = [each async for each in GarminSource(CLOCK).fetch_payloads(session, records)]
    return given, session


async def test_full_day_is_paged() -> None:
    """A day with more than 500 records is given in bounded pages, each record once."""
    day = [summary(1 + each) for each in range(700)]
    session = ScriptedSession([answer(200, day)] * 2)
    source = GarminSource(CLOCK)
    cursor = f"{TODAY - 1}-{TODAY - 1}-0"
    first = await source.fetch_metadata(session, DataType.WORKOUT, WINDOW, cursor=cursor)
    second = await source.fetch_metadata(session, DataType.WORKOUT, WINDOW, cursor=first.cursor)
    assert (len(first.records), len(second.records), second.cursor) == (500, 200, None)
    assert len({each.record_id for each in first.records + second.records}) == 700


async def test_old_start_is_listed_by_its_upload_and_old_revisions_are_left_out() -> None:
    """A watch that was offline for three months is heard; of two revisions in a day the later one is given."""
    old_s = START_S - 90 * DAY_S
    day = [summary(1, startTimeInSeconds=old_s), summary(2), summary(2, activityName="Edited"), summary(3)]
    session = ScriptedSession([answer(200, day)])
    last_day = Window(CLOCK.now_ms() - DAY_S * 1000, TODAY * DAY_S * 1000)
    page = await GarminSource(CLOCK).fetch_metadata(session, DataType.WORKOUT, last_day)
    assert [(each.record_id, each.title) for each in page.records] == [("1", "Run 1"), ("2", "Edited"), ("3", "Run 3")]
    assert page.records[0].start_ms == old_s * 1000
    assert page.cursor is None


async def test_window_bounds_the_days_that_are_asked() -> None:
    """Uploads before the window's first day and after its last one cost no call."""
    window = Window((TODAY - 5) * DAY_S * 1000, (TODAY - 3) * DAY_S * 1000)
    session, source = ScriptedSession([answer(200, [])] * 2), GarminSource(CLOCK)
    first = await source.fetch_metadata(session, DataType.WORKOUT, window)
    second = await source.fetch_metadata(session, DataType.WORKOUT, window, cursor=first.cursor)
    asked = [int(each.params["uploadStartTimeInSeconds"]) // DAY_S for each in session.asked]
    assert asked == [TODAY - 5, TODAY - 4]
    assert second.cursor is None


async def test_files_of_a_day_are_listed_once() -> None:
    """Two records of one day cost one list and two files; formats other than FIT are passed over."""
    entries = [file_of(1), file_of(2), file_of(1, fileType="TCX", callbackURL="https://apis.garmin.com/tcx")]
    given, session = await payloads(
        [answer(200, entries), answer(200, fit()), answer(200, fit())], record(1), record(2)
    )
    assert [each[0] for each in given] == ["1", "2"]
    assert [each.path for each in session.asked] == [
        "activityFiles",
        "https://apis.garmin.com/file?id=1",
        "https://apis.garmin.com/file?id=2",
    ]


async def test_file_across_midnight_is_found() -> None:
    """A file that was registered on the day after its summary is found there."""
    given, session = await payloads([answer(200, []), answer(200, [file_of(1)]), answer(200, fit())], record(1))
    assert given[0][1] is not None
    starts = [int(each.params["uploadStartTimeInSeconds"]) // DAY_S for each in session.asked[:2]]
    assert starts == [TODAY - 1, TODAY]


@pytest.mark.parametrize("status", [404, 410])
async def test_gone_file_is_a_gone_record(status: int) -> None:
    """A recording that Garmin no longer has is told as None."""
    given, _ = await payloads([answer(200, [file_of(1)]), answer(status, b"")], record(1))
    assert given == [("1", None)]


@pytest.mark.parametrize(
    "trouble",
    [
        answer(200, b"no fit"),
        answer(200, b""),
        ReauthenticationNeededError("401"),
        ProviderInvalidAnswerError("foreign"),
    ],
)
async def test_useless_recordings_name_their_record(trouble: Response | Exception) -> None:
    """A file that is none, a dead address and a foreign host fail this record, not the grant."""
    with pytest.raises(ProviderInvalidAnswerError) as caught:
        await payloads([answer(200, [file_of(7)]), trouble], record(7))
    assert caught.value.fields["record_id"] == "7"


async def test_typed_in_record_costs_no_call() -> None:
    """A manual activity has no file, and none is asked for."""
    given, session = await payloads([], replace(record(1), is_manual=True))
    assert given[0][1] is not None
    assert session.asked == []


async def test_news() -> None:
    """Today's uploads are one call; what is older than today cannot be denied by one call."""
    source = GarminSource(CLOCK)
    assert await source.has_new_data(ScriptedSession([]), DataType.WORKOUT, since_ms=(TODAY * DAY_S - 1) * 1000)
    since_ms = TODAY * DAY_S * 1000
    assert await source.has_new_data(ScriptedSession([answer(200, [summary(1)])]), DataType.WORKOUT, since_ms=since_ms)
    assert not await source.has_new_data(ScriptedSession([answer(200, [])]), DataType.WORKOUT, since_ms=since_ms)


async def test_refusals() -> None:
    """403 is a missing permission, other 4xx are final, other data types are not served."""
    source = GarminSource(CLOCK)
    with pytest.raises(ReauthenticationNeededError):
        await source.fetch_metadata(ScriptedSession([answer(403, {"errorMessage": "x"})]), DataType.WORKOUT, WINDOW)
    with pytest.raises(ProviderRefusedError):
        await source.fetch_metadata(ScriptedSession([answer(400, {"errorMessage": "x"})]), DataType.WORKOUT, WINDOW)
    with pytest.raises(UnsupportedPairError):
        await source.fetch_metadata(ScriptedSession([]), DataType.SLEEP_SESSION, WINDOW)
