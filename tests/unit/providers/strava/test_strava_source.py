"""Reading Strava: pages to the empty one, windows cut to the millisecond, payloads one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncwell.domain.errors import InvalidInputError, ProviderInvalidAnswerError, ProviderRefusedError
from syncwell.domain.records import DataType, RecordMetadata
from syncwell.ports.roles import Window
from syncwell.providers.strava.mapping import metadata_of
from syncwell.providers.strava.source import StravaSource
from tests.unit.providers.recorded import recorded_body, recorded_exchanges, recorded_json
from tests.unit.providers.stages import ScriptedSession, answer
from tests.unit.providers.strava.test_strava_mapping import LISTING

FUTURE = {"message": "Bad Request", "errors": [{"resource": "Application", "field": "after", "code": "future"}]}
EVERYTHING = Window(start_ms=0, end_ms=2_000_000_000_000)


async def test_listing_ends_with_the_empty_page_only() -> None:
    """A short page has a cursor; the empty one has none."""
    listing = recorded_json("strava_listing.json")
    session = ScriptedSession([answer(200, listing), answer(200, [])])
    first = await StravaSource().fetch_metadata(session, DataType.WORKOUT, EVERYTHING)
    assert (len(first.records), first.cursor) == (len(LISTING), "2")
    second = await StravaSource().fetch_metadata(session, DataType.WORKOUT, EVERYTHING, cursor=first.cursor)
    assert (second.records, second.cursor) == ((), None)
    assert [each.params["page"] for each in session.asked] == ["1", "2"]
    assert session.asked[0].params["per_page"] == "200"


async def test_window_is_half_open_to_the_millisecond() -> None:
    """A start at the window's first millisecond is in, one at its end is out, and Strava is asked a little wider."""
    record = metadata_of(LISTING[0])
    for window, count in (
        (Window(record.start_ms, record.start_ms + 1), 1),
        (Window(record.start_ms + 1, record.start_ms + 10_000), 0),
        (Window(record.start_ms - 10_000, record.start_ms), 0),
    ):
        session = ScriptedSession([answer(200, recorded_json("strava_listing.json"))])
        page = await StravaSource().fetch_metadata(session, DataType.WORKOUT, window)
        assert len(page.records) == count
        assert int(session.asked[0].params["after"]) * 1000 < window.start_ms
        assert int(session.asked[0].params["before"]) * 1000 > window.end_ms - 1000


async def test_window_in_the_future_is_empty() -> None:
    """Strava's refusal of a future `after` is an empty listing, and no news."""
    page = await StravaSource().fetch_metadata(ScriptedSession([answer(400, FUTURE)]), DataType.WORKOUT, EVERYTHING)
    assert (page.records, page.cursor) == ((), None)
    assert not await StravaSource().has_new_data(ScriptedSession([answer(400, FUTURE)]), DataType.WORKOUT, since_ms=1)


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "x", "9" * 20, "٣"])
async def test_foreign_cursors_are_refused_unasked(cursor: str) -> None:
    """Only cursors of this listing are sent on."""
    with pytest.raises(InvalidInputError):
        await StravaSource().fetch_metadata(ScriptedSession([]), DataType.WORKOUT, EVERYTHING, cursor=cursor)


@pytest.mark.parametrize("listing", [[], [1]])
async def test_news_is_one_cheap_call(listing: list[int]) -> None:
    """One activity is asked for; whether it came decides."""
    found = recorded_json("strava_listing.json")
    assert isinstance(found, list)
    session = ScriptedSession([answer(200, found[: len(listing)])])
    news = await StravaSource().has_new_data(session, DataType.WORKOUT, since_ms=1_700_000_000_000)
    assert news is bool(listing)
    assert session.asked[0].params == {"after": "1699999999", "per_page": "1"}


def record() -> RecordMetadata:
    """Returns a listed record."""
    return replace(metadata_of(LISTING[0]), version="v")


async def test_gone_records_and_missing_streams() -> None:
    """404 on details is a record that is gone; 404 on streams is a workout without a track."""
    (not_found,) = recorded_exchanges("strava_not_found_error.json")
    details = answer(200, recorded_body("strava_activity.json"))
    session = ScriptedSession([not_found, details, not_found])
    given = [each async for each in StravaSource().fetch_payloads(session, [record(), record()])]
    assert given[0][1] is None
    assert given[1][1] is not None
    assert not given[1][1].segments


async def test_manual_activities_cost_one_call() -> None:
    """An activity that was typed in has no streams, and none are asked for."""
    (manual,) = recorded_exchanges("strava_create_activity.json")
    session = ScriptedSession([answer(200, manual.body)])
    given = [each async for each in StravaSource().fetch_payloads(session, [record()])]
    assert given[0][1] is not None
    assert len(session.asked) == 1


async def test_unreadable_payload_names_its_record() -> None:
    """An answer that is no activity is an error that says which record it was."""
    session = ScriptedSession([answer(200, {"id": "words"})])
    with pytest.raises(ProviderInvalidAnswerError) as caught:
        _ = [each async for each in StravaSource().fetch_payloads(session, [record()])]
    assert caught.value.fields["record_id"] == record().record_id


async def test_refusals_quote_nothing_of_the_body() -> None:
    """A 4xx is a refusal that names the parts, not the words, of Strava's answer."""
    body = {"message": "secret words", "errors": [{"resource": "Athlete", "field": "plan", "code": "invalid"}]}
    with pytest.raises(ProviderRefusedError) as caught:
        await StravaSource().fetch_metadata(ScriptedSession([answer(403, body)]), DataType.WORKOUT, EVERYTHING)
    assert "secret" not in str(caught.value)
    assert caught.value.fields["reason"] == "plan invalid"
