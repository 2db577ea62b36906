"""Strava's activities as canonical records, checked on recorded answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

from syncwell.domain.records import Sport
from syncwell.providers.strava.mapping import metadata_of, version_of, workout_of, zone_of
from syncwell.providers.strava.payloads import Activity
from tests.unit.providers.recorded import recorded_body, recorded_exchanges, recorded_json

LISTING = msgspec.json.decode(recorded_body("strava_listing.json"), type=list[Activity])
RAW = cast("list[dict[str, object]]", recorded_json("strava_listing.json"))


def changed(**fields: object) -> Activity:
    """Returns the first recorded activity with other fields."""
    return msgspec.convert({**RAW[0], **fields}, type=Activity)


@pytest.mark.parametrize(("activity", "raw"), list(zip(LISTING, RAW, strict=True)), ids=lambda each: "")
def test_recorded_activities_are_mapped_whole(activity: Activity, raw: dict[str, object]) -> None:
    """Every listed activity keeps its id, times, length, offset and title."""
    record = metadata_of(activity)
    assert record.record_id == str(raw["id"])
    start = datetime.fromisoformat(str(raw["start_date"]))
    assert datetime.fromtimestamp(record.start_ms / 1000, tz=UTC) == start
    assert (record.elapsed_ms, record.moving_ms) == (raw["elapsed_time"] * 1000, raw["moving_time"] * 1000)  # type: ignore[operator]  # numbers, as recorded
    assert (record.distance_m, record.title) == (raw["distance"], raw["name"])
    assert record.native_type == raw["sport_type"]
    assert not record.is_start_hidden
    local = datetime.fromisoformat(str(raw["start_date_local"]))
    assert record.utc_offset_s == (local - start).total_seconds()


def test_recorded_zones_agree_with_their_offsets() -> None:
    """The zone after the bracket explains the offset on that day; the number in the bracket is not used."""
    for activity in LISTING:
        zone = ZoneInfo(zone_of(activity.timezone or ""))
        offset = activity.start_date.astimezone(zone).utcoffset()
        assert offset is not None
        assert offset.total_seconds() == activity.utc_offset


@pytest.mark.parametrize(
    ("label", "zone"),
    [
        ("(GMT-05:00) America/New_York", "America/New_York"),
        ("(GMT+05:30) Asia/Kolkata", "Asia/Kolkata"),
        ("(GMT+00:00) GMT", "GMT"),
        ("(GMT-03:00) America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("(GMT-05:00) ", ""),
        ("America/New_York", ""),
        ("", ""),
        ("(GMT-05:00) ../../etc/passwd", ""),
        ("(GMT-05:00) America/New_York\nx", ""),
    ],
)
def test_zone_labels(label: str, zone: str) -> None:
    """The IANA name is taken from well-formed labels only."""
    assert zone_of(label) == zone


def test_hidden_start_is_marked() -> None:
    """One second past local midnight means that the athlete hides starts."""
    hidden = changed(start_date="2025-10-19T04:00:01Z", start_date_local="2025-10-19T00:00:01Z")
    assert metadata_of(hidden).is_start_hidden
    assert not metadata_of(changed(start_date_local="2025-10-19T00:00:02Z")).is_start_hidden


@pytest.mark.parametrize(
    ("native", "is_trainer", "sport"),
    [
        ("Run", True, Sport.TREADMILL_RUN),
        ("Ride", True, Sport.INDOOR_RIDE),
        ("Rowing", True, Sport.ROW_INDOOR),
        ("VirtualRide", False, Sport.INDOOR_RIDE),
        ("Yoga", True, Sport.YOGA),
        ("Quidditch", False, Sport.OTHER),
    ],
)
def test_trainers_and_unknown_sports(native: str, sport: Sport, *, is_trainer: bool) -> None:
    """A trainer makes it the indoor sport; an unknown sport is kept by its own name."""
    record = metadata_of(changed(sport_type=native, trainer=is_trainer))
    assert (record.sport, record.native_type) == (sport, native)


def test_version_follows_the_person_and_nobody_else() -> None:
    """Kudos and the like leave the version; title, sport and times change it."""
    before = version_of(changed())
    assert version_of(changed(kudos_count=99, achievement_count=7, map=None, trainer=None)) == before
    for field, value in (
        ("name", "x"),
        ("sport_type", "Hike"),
        ("elapsed_time", 1),
        ("distance", 2),
        ("trainer", True),
    ):
        assert version_of(changed(**{field: value})) != before


def test_version_is_the_same_in_listing_and_details() -> None:
    """A detailed answer of an unchanged activity has the version of the listing."""
    details = changed(resource_state=3, description="Words", calories=100.0, laps=[])
    assert version_of(details) == version_of(changed())


def test_recorded_details_become_a_workout() -> None:
    """A recorded detailed activity keeps what only details have."""
    activity = msgspec.json.decode(recorded_body("strava_activity.json"), type=Activity)
    workout = workout_of(activity)
    assert workout.title == "TCS NYC Marathon 2018"
    assert workout.notes.startswith("Official time 3:42:02")
    assert workout.start_time.ToDatetime(UTC) == datetime(2018, 11, 4, 14, 53, 46, tzinfo=UTC)
    assert (workout.elapsed_ms, workout.moving_ms, workout.distance_m) == (13_333_000, 13_085_000, 42268.1)
    assert (workout.energy_kcal, workout.average_heart_rate_bpm, workout.max_heart_rate_bpm) == (3760.0, 170, 187)
    assert (workout.time_zone, workout.utc_offset_s) == ("America/New_York", -18000)
    assert workout.provenance.device_name == "Fitbit Ionic"
    assert len(workout.laps) == 1


def test_manual_and_edited_activities_are_read() -> None:
    """Answers to a manual entry and to an edit, as recorded, fit the same types."""
    for name in ("strava_create_activity.json", "strava_update_activity.json"):
        (answer,) = recorded_exchanges(name)
        activity = msgspec.json.decode(answer.body, type=Activity)
        assert metadata_of(activity).is_manual
        assert workout_of(activity).elapsed_ms == 1_234_000
    ride = workout_of(msgspec.json.decode(recorded_body("strava_ride.json"), type=Activity))
    assert (Sport(ride.sport), len(ride.laps)) == (Sport.RIDE, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"elapsed_time": -1},
        {"elapsed_time": 10**12},
        {"elapsed_time": "1234"},
        {"start_date": "2025-10-19T04:00:01"},
        {"start_date": "yesterday"},
        {"utc_offset": 10**9},
        {"distance": "far"},
        {"id": None},
    ],
)
def test_absurd_values_are_no_activity(fields: dict[str, object]) -> None:
    """Values that no activity has fail while parsing, not later."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps({**RAW[0], **fields}), type=Activity)
