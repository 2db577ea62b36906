"""Reading TCX: activities, laps, pauses, extensions, and what is refused."""

from __future__ import annotations

import pytest

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point
from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import tcx_reader
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.file_format import FileFormat
from tests.fixtures.files.xml_files import TCX_HEAD, tcx, tcx_activity, tcx_lap, trackpoint

START = "2024-05-01T10:00:00.000Z"
START_SECONDS = 1_714_557_600


def at(seconds: int) -> str:
    return f"2024-05-01T{10 + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def read_one(data: bytes) -> CanonicalWorkout:
    (workout,) = read_activity_file(data).workouts
    return workout


def test_activity_becomes_a_workout() -> None:
    """Sums of the laps, device, notes and sport are taken as they stand."""
    inner = "<Calories>{}</Calories><AverageHeartRateBpm><Value>{}</Value></AverageHeartRateBpm>"
    peak = "<MaximumHeartRateBpm><Value>{}</Value></MaximumHeartRateBpm>"
    laps = (
        tcx_lap(START, seconds="60.5", distance="200", inner=inner.format(10, 120) + peak.format(150)),
        tcx_lap(at(70), seconds="30", distance="100.25", inner=inner.format(5, 150) + peak.format(160)),
    )
    data = tcx(tcx_activity(*laps, inner="<Notes>Hot</Notes><Creator><Name>Edge 530</Name></Creator>"))

    reading = read_activity_file(data)
    (workout,) = reading.workouts

    assert (reading.file_format, reading.dropped_point_count) == (FileFormat.TCX, 0)
    assert (workout.sport, workout.notes, workout.provenance.device_name) == (record_pb2.SPORT_RUN, "Hot", "Edge 530")
    assert (workout.start_time.seconds, workout.elapsed_ms, workout.moving_ms) == (START_SECONDS, 100_000, 90_500)
    assert (workout.distance_m, workout.energy_kcal) == (300.25, 15)
    assert (workout.average_heart_rate_bpm, workout.max_heart_rate_bpm) == (130, 160)
    assert [(lap.elapsed_ms, lap.distance_m) for lap in workout.laps] == [(60_500, 200), (30_000, 100.25)]


def test_zero_sums_mean_that_nobody_measured() -> None:
    """The schema demands calories and distance, so devices without them write zero."""
    workout = read_one(tcx(tcx_activity(tcx_lap(START, inner="<Calories>0</Calories>"))))

    assert not workout.HasField("distance_m")
    assert not workout.HasField("energy_kcal")


def test_trackpoint_gives_all_its_values() -> None:
    """Position, altitude, distance, heart rate, and speed, run cadence and power of the extension."""
    inner = (
        "<Position><LatitudeDegrees>48.1</LatitudeDegrees><LongitudeDegrees>11.5</LongitudeDegrees></Position>"
        "<AltitudeMeters>520.5</AltitudeMeters><DistanceMeters>12.34</DistanceMeters>"
        "<HeartRateBpm><Value>140</Value></HeartRateBpm><Extensions><ns3:TPX><ns3:Speed>3.33</ns3:Speed>"
        "<ns3:RunCadence>86</ns3:RunCadence><ns3:Watts>210</ns3:Watts></ns3:TPX></Extensions>"
    )
    workout = read_one(tcx(tcx_activity(tcx_lap(START, [trackpoint(START, inner)]))))

    assert workout.segments[0].points[0] == Point(
        latitude_e7=481_000_000,
        longitude_e7=115_000_000,
        altitude_cm=52_050,
        distance_cm=1_234,
        heart_rate_bpm=140,
        speed_mm_s=3_330,
        cadence_rpm=86,
        power_w=210,
    )
    assert workout.distance_m == 12.34


def test_second_track_of_a_lap_follows_a_pause_and_a_new_lap_does_not() -> None:
    """Tracks within a lap are cut where the athlete paused; laps follow each other."""
    first = tcx_lap(START, [trackpoint(at(0)), trackpoint(at(5))], [trackpoint(at(600))], seconds="10")
    second = tcx_lap(at(610), [trackpoint(at(611))], seconds="10")
    workout = read_one(tcx(tcx_activity(first, second)))

    assert [(len(each.points), each.follows_pause) for each in workout.segments] == [(2, False), (2, True)]
    assert [lap.elapsed_ms for lap in workout.laps] == [600_000, 10_000]
    assert (workout.elapsed_ms, workout.moving_ms) == (620_000, 20_000)


def test_each_activity_is_a_workout_also_within_a_multisport_session() -> None:
    """Devices put unrelated activities into one file and even into one session."""
    ride = tcx_activity(tcx_lap("2024-05-02T10:00:00Z"), sport="Biking")
    odd = tcx_activity(tcx_lap("2024-05-03T10:00:00Z"), sport="Kite flying")
    session = f"<MultiSportSession><FirstSport>{ride}</FirstSport><NextSport>{odd}</NextSport></MultiSportSession>"

    workouts = read_activity_file(tcx(tcx_activity(tcx_lap(START)), session)).workouts

    assert [workout.sport for workout in workouts] == [
        record_pb2.SPORT_RUN,
        record_pb2.SPORT_RIDE,
        record_pb2.SPORT_OTHER,
    ]
    assert workouts[2].provenance.native_type == "Kite flying"


def test_offset_of_the_start_is_the_local_time() -> None:
    """A start that names an offset other than UTC tells where the athlete was."""
    workout = read_one(tcx(tcx_activity(tcx_lap("2024-05-01T06:00:00.000-04:00"))))

    assert (workout.start_time.seconds, workout.utc_offset_s) == (START_SECONDS, -14_400)


def test_lap_with_a_broken_clock_does_not_move_the_workout() -> None:
    """Where a lap claims another year than the points, the points are believed."""
    lap = tcx_lap("2019-01-01T00:00:00Z", [trackpoint(at(0)), trackpoint(at(30))], seconds="31")
    workout = read_one(tcx(tcx_activity(lap)))

    assert (workout.start_time.seconds, workout.elapsed_ms, len(workout.laps)) == (START_SECONDS, 31_000, 0)


def test_points_with_wrong_times_are_dropped_and_counted() -> None:
    """Backward, absurd and absent times cost their own points only."""
    points = [trackpoint(time) for time in (at(0), at(20), at(10), at(15), "1901-01-01T00:00:00Z", "", at(30))]
    reading = read_activity_file(tcx(tcx_activity(tcx_lap(START, points))))

    assert [point.offset_ms // 1000 for point in reading.workouts[0].segments[0].points] == [0, 10, 15, 30]
    assert reading.dropped_point_count == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tcx(), "no activity"),
        (f"{TCX_HEAD}<Courses><Course><Lap/></Course></Courses></TrainingCenterDatabase>".encode(), "a course"),
        (tcx(tcx_activity(tcx_lap("never"), inner="<Id>never</Id>")), "when the activity took place"),
        (tcx(tcx_activity(tcx_lap(START, seconds="0"))), "when the activity took place"),
        (tcx(tcx_activity(tcx_lap(START, seconds="1e12"))), "when the activity took place"),
    ],
)
def test_tcx_without_a_recording_is_refused(data: bytes, message: str) -> None:
    """Courses, empty files and files without any time are no workouts, and the error says so."""
    with pytest.raises(InvalidFileError, match=message):
        read_activity_file(data)


def test_activities_and_laps_are_counted() -> None:
    """A file of too many activities or laps is refused."""
    with pytest.raises(InvalidFileError, match="more than 1,000 activities"):
        read_activity_file(tcx("<Activity/>" * (tcx_reader.ACTIVITY_COUNT_MAX + 1)))
    with pytest.raises(InvalidFileError, match="more than 20,000 laps"):
        read_activity_file(tcx(tcx_activity("<Lap/>" * (tcx_reader.LAP_COUNT_MAX + 1))))
