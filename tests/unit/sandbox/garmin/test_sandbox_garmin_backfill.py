"""Backfill at the Garmin sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.sandbox.driver import Answer, Driver

BASE = "/wellness-api/rest"
NOW_S = int(datetime(2026, 3, 10, 9, 7, tzinfo=UTC).timestamp())
DAY_S = 86_400


async def backfill(driver: Driver, start_s: int, end_s: int, kind: str = "activities") -> Answer:
    path = f"{BASE}/backfill/{kind}"
    return await driver.get(path, summaryStartTimeInSeconds=start_s, summaryEndTimeInSeconds=end_s)


async def pulled_ids(driver: Driver) -> list[int]:
    window = {"uploadStartTimeInSeconds": NOW_S - 60, "uploadEndTimeInSeconds": NOW_S + 60}
    return [one["activityId"] for one in (await driver.get(f"{BASE}/activities", **window)).json]


async def test_old_activities_are_uploaded_again_once(garmin: Driver) -> None:
    """A backfill answers 202 with nothing; what started in its range then has a new upload time; a repeat is 409."""
    starts = [NOW_S - days * DAY_S for days in (40, 20, 10)]
    records = [
        {
            "user_id": "g-1",
            "uploaded_at": datetime.fromtimestamp(start, tz=UTC).isoformat(),
            "activity": {"startTimeInSeconds": start, "durationInSeconds": 60},
        }
        for start in starts
    ]
    numbers = (await garmin.control("POST", "/records", records))["ids"]
    before = await pulled_ids(garmin)
    answer = await backfill(garmin, NOW_S - 30 * DAY_S, NOW_S)
    again = await backfill(garmin, NOW_S - 30 * DAY_S, NOW_S)

    assert (before, answer.status, answer.body, again.status) == ([], 202, b"", 409)
    assert await pulled_ids(garmin) == [int(number) for number in numbers[1:]]


@pytest.mark.parametrize(
    ("start_s", "kind", "status"),
    [(NOW_S - 31 * DAY_S, "activities", 400), (NOW_S, "activities", 400), (NOW_S - DAY_S, "sleeps", 404)],
)
async def test_wrong_ranges_are_refused(garmin: Driver, start_s: int, kind: str, status: int) -> None:
    """Too long, empty, or of a kind that is not there."""
    assert (await backfill(garmin, start_s, NOW_S, kind)).status == status


async def test_history_needs_its_own_permission(garmin: Driver) -> None:
    """Without HISTORICAL_DATA_EXPORT the past stays closed."""
    await garmin.control("POST", "/users", {"id": "g-1", "permissions": ["ACTIVITY_EXPORT"]})

    assert (await backfill(garmin, NOW_S - DAY_S, NOW_S)).status == 403
