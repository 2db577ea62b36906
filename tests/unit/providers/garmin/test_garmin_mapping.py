"""Garmin's activities as canonical records, checked on recorded pushes."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from syncwell.api.record.v1.record_pb2 import SPORT_RIDE, SPORT_TRAIL_RUN, CanonicalWorkout, Point, PointSegment
from syncwell.domain.records import Sport
from syncwell.providers.garmin.mapping import metadata_of, workout_of_file, workout_without_file
from syncwell.providers.garmin.payloads import ActivityFile, Summary
from syncwell.providers.garmin.sports import TO_CANONICAL, sport_of
from syncwell.providers.garmin.upload_days import day_in
from tests.unit.providers.recorded import recorded_json

PUSHED = cast("dict[str, list[dict[str, object]]]", recorded_json("garmin_activities.json"))["activities"]
NAMED = cast("dict[str, list[dict[str, object]]]", recorded_json("garmin_activity.json"))["activities"][0]


def summary(**fields: object) -> Summary:
    """Returns the recorded summary with other fields."""
    return msgspec.convert({**NAMED, **fields}, type=Summary)


def test_recorded_summaries_are_mapped_whole() -> None:
    """Every field that a recorded summary has lands in its place."""
    record = metadata_of(summary(), upload_day=20_411)
    assert (record.record_id, record.sport, record.native_type) == ("21047282990", Sport.RUN, "RUNNING")
    assert (record.start_ms, record.elapsed_ms, record.moving_ms) == (1_763_597_760_000, 3_600_000, 3_600_000)
    assert (record.utc_offset_s, record.title, record.device_name) == (3600, "Morning Run", "Forerunner 965")
    assert (record.distance_m, record.is_manual) == (None, False)
    older = [metadata_of(each, upload_day=1) for each in msgspec.convert(PUSHED, type=list[Summary])]
    assert [each.sport for each in older] == [Sport.RUN, Sport.RIDE]
    assert [each.distance_m for each in older] == [519818.125, 4322.357]
    assert [each.title for each in older] == ["", ""]


def test_version_names_the_day_and_follows_the_content() -> None:
    """The day can be read back; every mapped field changes the rest, unmapped ones do not."""
    version = metadata_of(summary(), upload_day=20_411).version
    assert day_in(version) == 20_411
    assert metadata_of(summary(isWebUpload=True), upload_day=20_411).version == version
    for field, value in (
        ("activityName", "x"),
        ("activityType", "WALKING"),
        ("durationInSeconds", 1),
        ("manual", True),
    ):
        assert metadata_of(summary(**{field: value}), upload_day=20_411).version != version
    assert metadata_of(summary(), upload_day=20_412).version != version


def test_decorated_ids_meet() -> None:
    """Summary and file of one activity have one record id, with or without the bare number."""
    listed = msgspec.convert({"callbackURL": "u", "summaryId": "21047282990-file"}, type=ActivityFile)
    numbered = msgspec.convert(
        {"callbackURL": "u", "summaryId": "x-file", "activityId": 21047282990}, type=ActivityFile
    )
    assert listed.record_id == numbered.record_id == summary().record_id


def test_metadata_wins_over_the_file() -> None:
    """Title, sport, device and offset are those that the person sees at Garmin; track and times are the file's."""
    far = CanonicalWorkout(elapsed_ms=1)
    far.start_time.FromMilliseconds(0)
    near = CanonicalWorkout(
        sport=SPORT_RIDE, elapsed_ms=3_700_000, title="file", segments=[PointSegment(points=[Point(offset_ms=0)])]
    )
    near.start_time.FromMilliseconds(1_763_597_761_000)
    record = metadata_of(summary(activityType="TRAIL_RUNNING"), upload_day=1)
    workout = workout_of_file([far, near], record)
    assert (workout.title, workout.sport, workout.elapsed_ms) == ("Morning Run", SPORT_TRAIL_RUN, 3_700_000)
    assert (workout.provenance.provider, workout.provenance.record_id) == ("garmin", "21047282990")
    assert (workout.provenance.native_type, workout.provenance.device_name) == ("TRAIL_RUNNING", "Forerunner 965")
    assert (workout.utc_offset_s, len(workout.segments)) == (3600, 1)
    assert near.title == "file"


def test_typed_in_activity_is_its_metadata() -> None:
    """Without a recording there are the times, the distance and no points."""
    record = metadata_of(summary(manual=True, distanceInMeters=5000.0, activityType="INDOOR_CYCLING"), upload_day=1)
    workout = workout_without_file(record)
    assert (workout.is_manual, workout.is_indoor, workout.distance_m) == (True, True, 5000.0)
    assert (workout.elapsed_ms, len(workout.segments)) == (3_600_000, 0)
    assert workout.start_time.ToMilliseconds() == record.start_ms


@pytest.mark.parametrize(
    ("native", "sport"),
    [
        ("ROWING_V2", Sport.ROW),
        ("SNOWBOARDING_WS", Sport.SNOWBOARD),
        ("SKATING_WS", Sport.SKATE),
        ("STAND_UP_PADDLEBOARDING_V2", Sport.PADDLE),
        ("running", Sport.RUN),
        ("UNHEARD_OF", Sport.OTHER),
        ("", Sport.OTHER),
    ],
)
def test_renamed_and_unknown_types(native: str, sport: Sport) -> None:
    """Garmin's suffixes do not matter, and an unknown type is kept as another sport."""
    assert sport_of(native) is sport


def test_no_table_entry_hides_behind_a_suffix() -> None:
    """Every name of the table can be reached."""
    assert all(sport_of(name) is sport for name, sport in TO_CANONICAL.items())


@pytest.mark.parametrize(
    "fields", [{"startTimeInSeconds": -1}, {"durationInSeconds": "1"}, {"startTimeOffsetInSeconds": 10**6}]
)
def test_absurd_values_are_no_summary(fields: dict[str, object]) -> None:
    """Values that no activity has fail while parsing."""
    with pytest.raises(msgspec.ValidationError):
        summary(**fields)
