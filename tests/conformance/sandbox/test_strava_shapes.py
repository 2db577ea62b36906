"""The Strava sandbox answers in the shapes that the real service was recorded with."""

from __future__ import annotations

import base64
import re
from typing import Any

from tests.conformance.sandbox.shapes import json_type, missing_keys, recorded, recorded_bodies, wrong_types
from tests.unit.sandbox.driver import CLIENT, Answer, Driver
from tests.unit.sandbox.files import FIT_RIDE, tcx
from tests.unit.sandbox.strava.uploading import post_upload, upload

# Strava's own later additions, which no recording under a free licence holds (changelog 2025-10-27 for the name).
NOT_RECORDED_IN_SUMMARIES = {"device_name"}
# What only the service itself can compute, and no client of ours reads.
NOT_SERVED = {"similar_activities"}
NOT_SERVED_IN_SUMMARIES = {"suffer_score"}
# Shown only where a device measured it; every recorded entry happens to come from a watch with all sensors.
MEASURED = {"average_heartrate", "max_heartrate", "average_cadence", "average_temp", "elev_high", "elev_low"}
NOT_MEASURED_BY_THE_FILE = {"average_cadence"}
MANUAL = {"name": "Y", "sport_type": "Run", "start_date_local": "2026-02-01T18:00:00", "elapsed_time": "60"}
LISTING = "/api/v3/athlete/activities"


async def uploaded_id(driver: Driver) -> int:
    return int((await upload(driver, FIT_RIDE.read_bytes(), "fit", external_id="abc"))["activity_id"])


def detailed_samples() -> list[Any]:
    bodies = [*recorded_bodies("strava/activity"), *recorded_bodies("strava/create_activity")]
    return [*bodies, *recorded_bodies("strava/update_activity"), recorded("strava/detailed_activity_ride")]


async def test_summary(strava: Driver) -> None:
    """Uploaded, seeded and manual activities list with the recorded names and types, none missing."""
    await uploaded_id(strava)
    await strava.call("POST", "/api/v3/activities", data=MANUAL)
    [samples] = recorded_bodies("strava/athlete_activities")
    shown = (await strava.get(LISTING)).json

    assert len(shown) == 2
    for activity in shown:
        # `upload_id` and `external_id` are null for manual ones, which the recorded list did not happen to hold.
        known = [*samples, {"upload_id": None, "external_id": None}]
        served = {key: value for key, value in activity.items() if key not in NOT_RECORDED_IN_SUMMARIES}
        assert wrong_types(served, known) == {}
        allowed = MEASURED | {"upload_id_str"} if activity["manual"] else NOT_MEASURED_BY_THE_FILE
        assert missing_keys(activity, samples) <= allowed | NOT_SERVED_IN_SUMMARIES
        assert wrong_types(activity["map"], [sample["map"] for sample in samples]) == {}
        assert activity["resource_state"] == samples[0]["resource_state"]


async def test_detail(strava: Driver) -> None:
    """The detail has the recorded names and types."""
    number = await uploaded_id(strava)
    shown = (await strava.get(f"/api/v3/activities/{number}")).json

    assert wrong_types(shown, [*detailed_samples(), {"description": None}]) == {}
    assert missing_keys(shown, detailed_samples()) <= NOT_SERVED
    assert wrong_types(shown["map"], [sample["map"] for sample in detailed_samples()]) == {}


async def test_manual_create_and_update(strava: Driver) -> None:
    """Both answer with a detail, 201 and 200 as recorded."""
    [created_exchange], [updated_exchange] = recorded("strava/create_activity"), recorded("strava/update_activity")
    created = await strava.call("POST", "/api/v3/activities", data=MANUAL)
    updated = await strava.call("PUT", f"/api/v3/activities/{created.json['id']}", data={"name": "Z"})

    for answer, exchange in ((created, created_exchange), (updated, updated_exchange)):
        assert answer.status == exchange["response"]["status"]
        assert wrong_types(answer.json, [*detailed_samples(), {"description": None}]) == {}
        assert missing_keys(answer.json, detailed_samples()) <= NOT_SERVED


async def test_upload_post_polls_and_duplicate(strava: Driver) -> None:
    """An upload that ends as a duplicate goes through the very answers that were recorded."""
    exchanges = recorded("strava/create_upload_file_with_error")
    first = await upload(strava, tcx())
    posted = await post_upload(strava, tcx())
    path = f"/api/v3/uploads/{posted.json['id']}"
    answers = [posted, await strava.get(path), await strava.get(path)]

    for answer, exchange in zip(answers, exchanges, strict=True):
        sample = exchange["response"]
        assert answer.status == sample["status"]
        assert list(answer.json) == list(sample["body"])
        assert {key: json_type(value) for key, value in answer.json.items()} == {
            key: json_type(value) for key, value in sample["body"].items()
        }
        assert answer.json["status"] == sample["body"]["status"]
    said = exchanges[2]["response"]["body"]["error"]
    assert answers[2].json["error"] == re.sub(r"^\S+ (.*) \d+$", rf"ride.tcx \1 {first['activity_id']}", said)


async def test_streams(strava: Driver) -> None:
    """Each stream has the four keys of the recorded one, with their types."""
    number = await uploaded_id(strava)
    [samples] = recorded_bodies("strava/activity_streams")
    shown = (await strava.get(f"/api/v3/activities/{number}/streams", key_by_type="true")).json

    assert {"time", "distance", "latlng", "altitude", "heartrate"} <= set(shown)
    for stream in shown.values():
        assert set(stream) == set(samples["distance"])
        assert wrong_types(stream, [samples["distance"]]) == {}
    assert json_type(shown["distance"]["data"][0]) == json_type(samples["distance"]["data"][0])


async def test_token_answers(strava: Driver) -> None:
    """A refresh answers with the recorded keys, a wrong code with the recorded error."""
    tokens = await strava.connect("77")
    refreshed = await token(strava, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    refused = await token(strava, grant_type="authorization_code", code="wrong")

    [sample] = recorded_bodies("strava/token_refresh_token")
    assert set(refreshed.json) == set(sample)
    assert wrong_types(refreshed.json, [sample]) == {}
    assert refused.status == recorded("strava/token_invalid_code")[0]["response"]["status"]
    assert [refused.json] == recorded_bodies("strava/token_invalid_code")


async def test_deauthorize(strava: Driver) -> None:
    """The answer holds the token and nothing else."""
    answer = await strava.call("POST", "/oauth/deauthorize")

    assert set(answer.json) == set(recorded_bodies("strava/deauthorize")[0])


async def test_errors(strava: Driver) -> None:
    """A dead token, a spent limit and a missing record are told in the recorded shapes."""
    await strava.settings(quarter_read_limit=1)
    missing = await strava.get("/api/v3/activities/1")
    throttled = await strava.get("/api/v3/activities/1")
    strava.token = "dead"
    await strava.settings(quarter_read_limit=100)
    unauthorized = await strava.get("/api/v3/activities/1")

    assert missing.status == recorded("strava/not_found_error")[0]["response"]["status"]
    [limit_sample] = recorded("strava/activity_with_ratelimit_exceeded")
    assert (throttled.status, throttled.json) == (429, limit_sample["response"]["body"])
    [dead_sample] = recorded("strava/authorization_error")
    assert unauthorized.status == dead_sample["response"]["status"]
    assert unauthorized.json["message"] == dead_sample["response"]["body"]["message"]
    assert wrong_types(unauthorized.json["errors"][0], dead_sample["response"]["body"]["errors"]) == {}


async def test_rate_headers(strava: Driver) -> None:
    """Reads and creations carry the four headers in the recorded forms, the bare comma among them."""
    read = await strava.get(LISTING)
    created = await strava.call("POST", "/api/v3/activities", data=MANUAL)
    uploaded = await post_upload(strava, tcx())

    for answer, name in ((read, "athlete_activities"), (created, "create_activity")):
        samples = recorded(f"strava/{name}")[0]["response"]["headers"]
        for header, sample in samples.items():
            if "ratelimit" in header.lower():
                assert re.sub(r"\d+", "N", answer.headers[header]) == re.sub(r"\d+", "N", sample)
    assert created.headers["X-ReadRateLimit-Usage"] == ","
    assert uploaded.headers["X-RateLimit-Usage"] == "3,3"


async def test_seeded_activity_has_the_shape_of_an_uploaded_one(strava: Driver) -> None:
    """What was there before is listed like what came in later."""
    seed = {"user_id": "77", "file": base64.b64encode(FIT_RIDE.read_bytes()).decode()}
    await strava.control("POST", "/records", seed)
    [samples] = recorded_bodies("strava/athlete_activities")
    [shown] = (await strava.get(LISTING)).json

    served = {key: value for key, value in shown.items() if key not in NOT_RECORDED_IN_SUMMARIES}
    assert wrong_types(served, samples) == {}
    assert missing_keys(shown, samples) == NOT_MEASURED_BY_THE_FILE | NOT_SERVED_IN_SUMMARIES


async def token(driver: Driver, **fields: str) -> Answer:
    return await driver.call("POST", "/oauth/token", data={**CLIENT, **fields})
