"""The Garmin sandbox answers in the shapes that open projects recorded or wrote down."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from tests.conformance.sandbox.shapes import missing_keys, recorded, wrong_types
from tests.unit.sandbox.driver import Driver
from tests.unit.sandbox.files import FIT_RIDE

NOW_S = int(datetime(2026, 3, 10, 9, 7, tzinfo=UTC).timestamp())
# Carried by OAuth 1 pushes only; from 2026 on `userId` is all.
OAUTH1_ONLY = {"userAccessToken"}


def summary_samples() -> list[dict[str, Any]]:
    peers = [payload.get("activities", []) for payload in recorded("garmin/openwearables_activities").values()]
    return [*recorded("garmin/push_activities")["activities"], *(entry for entries in peers for entry in entries)]


async def pulled(driver: Driver, kind: str) -> dict[str, Any]:
    seed = {"user_id": "g-1", "file": base64.b64encode(FIT_RIDE.read_bytes()).decode()}
    await driver.control("POST", "/records", seed)
    path = f"/wellness-api/rest/{kind}"
    answer = await driver.get(path, uploadStartTimeInSeconds=NOW_S - 60, uploadEndTimeInSeconds=NOW_S + 60)
    [shown] = answer.json
    assert isinstance(shown, dict)
    return shown


async def test_summary(garmin: Driver) -> None:
    """Names and types of a summary are those of the pushes and of the summary inside a detail."""
    shown = await pulled(garmin, "activities")
    inside = [entry["summary"] for entry in recorded("garmin/push_activityDetails")["activityDetails"]]

    assert wrong_types(shown, [*summary_samples(), *inside]) == {}
    assert missing_keys(shown, recorded("garmin/push_activities")["activities"][:1]) <= OAUTH1_ONLY | {
        "averagePaceInMinutesPerKilometer"
    }


async def test_detail(garmin: Driver) -> None:
    """A detail has the recorded parts, and its samples the recorded names and types."""
    shown = await pulled(garmin, "activityDetails")
    samples = recorded("garmin/push_activityDetails")["activityDetails"]

    assert set(shown) == set(samples[0]) - OAUTH1_ONLY
    assert wrong_types(shown, samples) == {}
    assert shown["summaryId"].endswith("-detail")
    assert wrong_types(shown["samples"][0], samples[0]["samples"]) == {}
    assert wrong_types(shown["laps"][0], samples[0]["laps"]) == {}


async def test_permissions(garmin: Driver) -> None:
    """Permissions are a list of names under the key that the lifecycle pushes use too."""
    shown = (await garmin.get("/wellness-api/rest/user/permissions")).json
    changes = [
        change
        for payload in recorded("garmin/openwearables_activities").values()
        for change in payload.get("userPermissionsChange", [])
    ]

    assert wrong_types(shown, changes) == {}
