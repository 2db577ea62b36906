"""Pulling activities, details and files from the Garmin sandbox."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.sandbox.driver import Answer, Driver
from tests.unit.sandbox.files import FIT_RIDE

BASE = "/wellness-api/rest"
NOW_S = int(datetime(2026, 3, 10, 9, 7, tzinfo=UTC).timestamp())
DAY_S = 86_400


async def pull(driver: Driver, kind: str, start_s: int = NOW_S - 3600, end_s: int = NOW_S + 60) -> Answer:
    return await driver.get(f"{BASE}/{kind}", uploadStartTimeInSeconds=start_s, uploadEndTimeInSeconds=end_s)


async def pulled(driver: Driver, kind: str, start_s: int = NOW_S - 3600, end_s: int = NOW_S + 60) -> Any:
    return (await pull(driver, kind, start_s, end_s)).json


async def seed(driver: Driver, uploaded_at: str | None = None, **activity: object) -> str:
    """Seeds the recorded ride."""
    file = base64.b64encode(FIT_RIDE.read_bytes()).decode()
    body = {"user_id": "g-1", "file": file, "activity": activity, "uploaded_at": uploaded_at}
    return str((await driver.control("POST", "/records", body))["ids"][0])


async def test_user_id_and_permissions(garmin: Driver) -> None:
    """The API says whose token it is and what the person permits."""
    assert (await garmin.get(f"{BASE}/user/id")).json == {"userId": "g-1"}
    assert "ACTIVITY_EXPORT" in (await garmin.get(f"{BASE}/user/permissions")).json["permissions"]


async def test_summary_is_read_from_the_file(garmin: Driver) -> None:
    """Times, distance, heart rate and device come out of the FIT file; the seed may override."""
    number = await seed(garmin, activityName="To work")
    [shown] = await pulled(garmin, "activities")

    assert (shown["userId"], shown["summaryId"], shown["activityId"]) == ("g-1", number, int(number))
    assert (shown["activityName"], shown["activityType"]) == ("To work", "CYCLING")
    assert (shown["startTimeInSeconds"], shown["startTimeOffsetInSeconds"]) == (1_497_283_762, -25_200)
    assert (shown["durationInSeconds"], shown["distanceInMeters"]) == (60, 459.5)
    assert shown["deviceName"] == "Garmin Fenix5"
    assert shown["maxHeartRateInBeatsPerMinute"] >= shown["averageHeartRateInBeatsPerMinute"] > 60


async def test_window_is_by_upload_and_half_open(garmin: Driver) -> None:
    """A ride of 2017 is found where it was uploaded; the end of a window belongs to the next."""
    await seed(garmin, uploaded_at="2026-03-10T08:00:00Z")
    moment = NOW_S - 67 * 60

    assert len(await pulled(garmin, "activities", moment, moment + 1)) == 1
    assert await pulled(garmin, "activities", moment - 10, moment) == []
    assert await pulled(garmin, "activities", moment + 1, moment + 10) == []


async def test_windows_of_more_than_a_day_are_refused(garmin: Driver) -> None:
    """Twenty-four hours are allowed, a second more is not."""
    assert (await pull(garmin, "activities", NOW_S - DAY_S, NOW_S)).status == 200
    refused = await pull(garmin, "activities", NOW_S - DAY_S - 1, NOW_S)
    assert refused.status == 400
    assert set(refused.json) == {"errorMessage"}


@pytest.mark.parametrize("query", [{}, {"uploadStartTimeInSeconds": "1"}, {"uploadStartTimeInSeconds": "x"}])
async def test_window_must_be_whole(garmin: Driver, query: dict[str, str]) -> None:
    """Missing or malformed bounds are a 400."""
    assert (await garmin.get(f"{BASE}/activities", **query)).status == 400
    assert (await pull(garmin, "activities", NOW_S, NOW_S)).status == 400


async def test_details_carry_summary_samples_and_laps(garmin: Driver) -> None:
    """The detail has a sample for each point of the file."""
    number = await seed(garmin)
    [shown] = await pulled(garmin, "activityDetails")

    assert shown["summaryId"] == f"{number}-detail"
    assert shown["summary"]["activityType"] == "CYCLING"
    assert len(shown["samples"]) == 19
    assert shown["samples"][0]["startTimeInSeconds"] == shown["laps"][0]["startTimeInSeconds"] == 1_497_283_762


async def test_file_is_fetched_by_its_callback_url(garmin: Driver) -> None:
    """The notice names a URL on this host whose token opens exactly this file, without a bearer token."""
    await seed(garmin)
    [notice] = await pulled(garmin, "activityFiles")
    garmin.token = ""
    file = await garmin.call("GET", notice["callbackURL"])
    forged = await garmin.call("GET", notice["callbackURL"][:-1] + "z")

    assert notice["callbackURL"].startswith(garmin.url)
    assert (notice["fileType"], file.body) == ("FIT", FIT_RIDE.read_bytes())
    assert forged.status == 401
    assert await garmin.count("files_fetched") == 1


async def test_metadata_only_record_has_no_file(garmin: Driver) -> None:
    """A typed-in activity is listed without a file notice."""
    body = {"user_id": "g-1", "activity": {"startTimeInSeconds": NOW_S - 900, "durationInSeconds": 60, "manual": True}}
    await garmin.control("POST", "/records", body)

    assert [one["manual"] for one in await pulled(garmin, "activities")] == [True]
    assert await pulled(garmin, "activityFiles") == []


async def test_edit_sends_the_record_again_with_a_new_upload_time(garmin: Driver) -> None:
    """An edited activity moves to the window of its edit and shows among the updated ones."""
    number = await seed(garmin, activityName="Old")
    await garmin.advance(7200)
    await garmin.control("PATCH", f"/records/{number}", {"activity": {"activityName": "New"}})
    later = (NOW_S + 7200, NOW_S + 7300)

    assert await pulled(garmin, "activities") == []
    assert [one["activityName"] for one in await pulled(garmin, "activities", *later)] == ["New"]
    assert [one["activityId"] for one in await pulled(garmin, "manuallyUpdatedActivities", *later)] == [int(number)]


async def test_old_revision_stays_when_so_set(garmin: Driver) -> None:
    """With old revisions kept a window shows the record as it was uploaded in it."""
    await garmin.settings(keep_old_revisions=True)
    number = await seed(garmin, activityName="Old")
    await garmin.advance(7200)
    await garmin.control("PATCH", f"/records/{number}", {"activity": {"activityName": "New"}})

    assert [one["activityName"] for one in await pulled(garmin, "activities")] == ["Old"]
    assert len(await pulled(garmin, "activities", NOW_S + 7200, NOW_S + 7300)) == 1


async def test_delete_is_silent(garmin: Driver) -> None:
    """A deleted activity is gone without a word."""
    number = await seed(garmin)
    await garmin.control("DELETE", f"/records/{number}")

    assert await pulled(garmin, "activities") == []


async def test_record_is_pulled_only_after_the_lag(garmin: Driver) -> None:
    """A record still being processed has its upload time but cannot be pulled yet."""
    await garmin.settings(visibility_lag_seconds=90)
    await seed(garmin)
    early = await pulled(garmin, "activities")
    await garmin.advance(90)

    assert (early, len(await pulled(garmin, "activities"))) == ([], 1)


async def test_missing_permission_is_403(garmin: Driver) -> None:
    """A person may withdraw the export of activities and stay connected."""
    await garmin.control("POST", "/users", {"id": "g-1", "permissions": ["HEALTH_EXPORT"]})

    assert (await pull(garmin, "activities")).status == 403
    assert (await garmin.get(f"{BASE}/user/id")).status == 200


async def test_minute_limit_rolls_over(garmin: Driver) -> None:
    """Over the limit calls are refused until the minute ends."""
    await garmin.settings(calls_per_minute=2)
    statuses = [(await garmin.get(f"{BASE}/user/id")).status for _ in range(3)]
    await garmin.advance(60)

    assert statuses == [200, 200, 429]
    assert (await garmin.get(f"{BASE}/user/id")).status == 200


async def test_people_see_only_their_own(garmin: Driver) -> None:
    """A token opens one person's records."""
    await seed(garmin)
    await garmin.control("POST", "/users", {"id": "g-2"})
    await garmin.connect("g-2")

    assert await pulled(garmin, "activities") == []
