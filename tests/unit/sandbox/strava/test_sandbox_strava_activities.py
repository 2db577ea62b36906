"""Listing, reading, creating and changing activities at the Strava sandbox."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from tests.unit.sandbox.driver import Driver
from tests.unit.sandbox.files import START, tcx

DAY = 86_400


async def seed(driver: Driver, *records: Mapping[str, object]) -> list[str]:
    """Seeds runs of ten minutes; the records override."""
    basis = {"user_id": "77", "elapsed_seconds": 600, "sport_type": "Run"}
    ids: list[str] = (await driver.control("POST", "/records", [{**basis, **record} for record in records]))["ids"]
    return ids


async def listed(driver: Driver, **query: int) -> list[int]:
    return [activity["id"] for activity in (await driver.get("/api/v3/athlete/activities", **query)).json]


async def test_newest_come_first_and_an_empty_page_ends_the_list(strava: Driver) -> None:
    """Pages run from the newest back; only an empty one is the end."""
    first, second, third = await seed(strava, *({"start": f"2026-03-0{day}T07:00:00Z"} for day in (1, 2, 3)))

    pages = [await listed(strava, per_page=2, page=page) for page in (1, 2, 3)]
    assert pages == [[int(third), int(second)], [int(first)], []]


async def test_after_turns_the_order_and_bounds_are_exclusive(strava: Driver) -> None:
    """With `after` the oldest come first; a start equal to a bound is outside."""
    starts = [datetime(2026, 3, day, 7, tzinfo=UTC) for day in (1, 2, 3, 4)]
    ids = await seed(strava, *({"start": start.isoformat()} for start in starts))
    after, before = int(starts[0].timestamp()), int(starts[3].timestamp())

    assert await listed(strava, after=after, before=before) == [int(ids[1]), int(ids[2])]


async def test_short_pages_do_not_end_the_list(strava: Driver) -> None:
    """Pages can be shorter than asked for, without a gap between them."""
    ids = await seed(strava, *({"start": f"2026-03-0{day}T07:00:00Z"} for day in range(1, 6)))
    await strava.settings(page_shortfall=1)

    pages = [await listed(strava, per_page=3, page=page) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(number for page in pages for number in page) == sorted(map(int, ids))


async def test_after_in_the_future_is_refused(strava: Driver) -> None:
    """Milliseconds sent by mistake are a date far ahead."""
    answer = await strava.get("/api/v3/athlete/activities", after=int(START.timestamp() * 1000))

    assert answer.status == 400
    assert answer.json["errors"] == [{"resource": "Application", "field": "after", "code": "future"}]


@pytest.mark.parametrize(
    ("start", "local", "offset", "label"),
    [
        ("2026-01-10T23:30:00Z", "2026-01-11T00:30:00Z", 3600.0, "(GMT+01:00) Europe/Berlin"),
        ("2025-07-10T23:30:00Z", "2025-07-11T01:30:00Z", 7200.0, "(GMT+01:00) Europe/Berlin"),
    ],
)
async def test_zone_label_keeps_the_standard_offset(
    strava: Driver, start: str, local: str, offset: float, label: str
) -> None:
    """`utc_offset` follows summer time; the label does not."""
    await seed(strava, {"start": start})

    [shown] = (await strava.get("/api/v3/athlete/activities")).json
    assert (shown["start_date"], shown["start_date_local"]) == (start, local)
    assert (shown["utc_offset"], shown["timezone"]) == (offset, label)


async def test_hidden_start_is_a_second_past_midnight(strava: Driver) -> None:
    """A person who hides the start shows local midnight and one second."""
    await seed(strava, {"start": "2026-03-08T17:45:00Z", "start_hidden": True})

    [shown] = (await strava.get("/api/v3/athlete/activities")).json
    assert (shown["start_date_local"], shown["start_date"]) == ("2026-03-08T00:00:01Z", "2026-03-07T23:00:01Z")


async def test_seed_from_a_file_can_be_shifted_and_renamed(strava: Driver) -> None:
    """A seed may be a recording under another name and a whole hour off."""
    file = base64.b64encode(tcx()).decode()
    record = {"file": file, "data_type": "tcx", "shift_seconds": 3600, "name": "Mine", "elapsed_seconds": None}
    await seed(strava, record)

    [shown] = (await strava.get("/api/v3/athlete/activities")).json
    assert (shown["start_date"], shown["name"], shown["elapsed_time"]) == ("2026-03-09T07:30:00Z", "Mine", 600)


async def test_streams_come_by_key_and_as_a_list(strava: Driver) -> None:
    """Both forms hold the asked streams that exist, each as long as the track."""
    file = base64.b64encode(tcx()).decode()
    [number] = await seed(strava, {"file": file, "data_type": "tcx"})
    path = f"/api/v3/activities/{number}/streams"

    by_key = (await strava.get(path, keys="time,latlng,watts,heartrate", key_by_type="true")).json
    as_list = (await strava.get(path, keys="time,distance")).json
    assert set(by_key) == {"time", "latlng", "heartrate"}
    assert by_key["time"]["data"] == list(range(0, 601, 60))
    assert {stream["original_size"] for stream in by_key.values()} == {11}
    assert [stream["type"] for stream in as_list] == ["time", "distance"]
    assert await strava.count("streams_fetched") == 2


async def test_manual_activity_has_no_streams(strava: Driver) -> None:
    """What was typed in has nothing to stream."""
    [number] = await seed(strava, {"start": "2026-03-08T17:45:00Z"})

    assert (await strava.get(f"/api/v3/activities/{number}/streams", keys="time")).status == 404


async def test_manual_create_reads_the_wall_time_of_the_athlete(strava: Driver) -> None:
    """`start_date_local` is wall time; an offset behind it says nothing, and the answer is a detail."""
    fields = {
        "name": "Yoga",
        "sport_type": "Yoga",
        "start_date_local": "2026-02-01 18:00:00 -0500",
        "elapsed_time": "1800",
    }
    answer = await strava.call("POST", "/api/v3/activities", data=fields)

    shown = answer.json
    assert answer.status == 201
    assert (shown["manual"], shown["upload_id"], shown["external_id"]) == (True, None, None)
    assert (shown["start_date"], shown["start_date_local"]) == ("2026-02-01T17:00:00Z", "2026-02-01T18:00:00Z")
    assert shown["moving_time"] == shown["elapsed_time"] == 1800


async def test_manual_create_conflicts_with_the_same_time(strava: Driver) -> None:
    """A second manual activity at the same time gives 409."""
    fields = {"name": "Yoga", "sport_type": "Yoga", "start_date_local": "2026-02-01T18:00:00", "elapsed_time": "1800"}
    await strava.call("POST", "/api/v3/activities", data=fields)

    assert (await strava.call("POST", "/api/v3/activities", data=fields)).status == 409


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"sport_type": "Knitting"},
        {"start_date_local": "yesterday"},
        {"start_date_local": "0001-01-01T00:00:00"},
        {"elapsed_time": "-5"},
        {"distance": "far"},
        {"distance": "nan"},
    ],
)
async def test_manual_create_refuses_nonsense(strava: Driver, change: dict[str, str]) -> None:
    """Missing and malformed fields are a 400 and leave nothing behind."""
    fields = {"name": "Yoga", "sport_type": "Yoga", "start_date_local": "2026-02-01T18:00:00", "elapsed_time": "1800"}

    assert (await strava.call("POST", "/api/v3/activities", data=fields | change)).status == 400
    assert (await strava.books())["records"]["77"] == []


async def test_update_changes_what_is_named_as_form_or_json(strava: Driver) -> None:
    """A PUT changes the named fields and answers with the detail."""
    [number] = await seed(strava, {"start": "2026-03-08T17:45:00Z", "name": "Old", "description": "kept"})
    path = f"/api/v3/activities/{number}"

    by_form = await strava.call("PUT", path, data={"name": "New"})
    by_json = await strava.call("PUT", path, json={"sport_type": "TrailRun", "commute": True})
    assert (by_form.status, by_form.json["name"], by_form.json["description"]) == (200, "New", "kept")
    shown = by_json.json
    assert (shown["name"], shown["sport_type"], shown["commute"]) == ("New", "TrailRun", True)


async def test_there_is_no_delete(strava: Driver) -> None:
    """Applications cannot delete activities."""
    [number] = await seed(strava, {"start": "2026-03-08T17:45:00Z"})

    assert (await strava.call("DELETE", f"/api/v3/activities/{number}")).status == 404
    assert len(await listed(strava)) == 1


async def test_private_activities_need_the_wider_scope(strava: Driver) -> None:
    """`activity:read` does not show what only the athlete may see."""
    [number] = await seed(strava, {"start": "2026-03-08T17:45:00Z", "private": True})
    await strava.connect("77", ["read", "activity:read"])
    narrow = (await listed(strava), (await strava.get(f"/api/v3/activities/{number}")).status)
    await strava.connect("77", ["read", "activity:read_all"])

    assert narrow == ([], 404)
    assert await listed(strava) == [int(number)]


async def test_person_edits_and_deletes_in_the_app(strava: Driver) -> None:
    """The control API stands for the person's own hands."""
    kept, gone = await seed(strava, *({"start": f"2026-03-0{day}T07:00:00Z"} for day in (1, 2)))
    await strava.control("PATCH", f"/records/{kept}", {"name": "Renamed"})
    await strava.control("DELETE", f"/records/{gone}")

    [shown] = (await strava.get("/api/v3/athlete/activities")).json
    assert (shown["id"], shown["name"]) == (int(kept), "Renamed")
    assert (await strava.get(f"/api/v3/activities/{gone}")).status == 404
