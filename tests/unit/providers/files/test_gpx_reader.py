"""Reading GPX: tracks, times, extensions, and what is refused."""

from __future__ import annotations

import pytest

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point
from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import gpx_reader
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.recorded_track import PointBudget, RecordedTrack
from tests.fixtures.files.xml_files import gpx, gpx_of_times, gpx_track, trkpt

START = "2024-05-01T10:00:00Z"
START_SECONDS = 1_714_557_600


def read_one(data: bytes) -> CanonicalWorkout:
    (workout,) = read_activity_file(data).workouts
    return workout


def point_of(inner: str) -> Point:
    """Returns the first point of a track, with `inner` in it."""
    data = gpx(gpx_track([trkpt(START, inner=inner), trkpt("2024-05-01T10:00:10Z")]))
    return read_one(data).segments[0].points[0]


def test_track_becomes_a_workout() -> None:
    """Name, description, type, times and positions are taken as they stand."""
    inner = "<name> Evening\n run </name><desc>Felt good</desc><type>TrailRun</type>"
    data = gpx(gpx_track([trkpt(START), trkpt("2024-05-01T10:00:10.500Z", latitude="48.1009")], inner=inner))

    reading = read_activity_file(data)
    (workout,) = reading.workouts

    assert (reading.file_format, reading.dropped_point_count) == (FileFormat.GPX, 0)
    assert (workout.title, workout.notes) == ("Evening run", "Felt good")
    assert (workout.sport, workout.provenance.native_type) == (record_pb2.SPORT_TRAIL_RUN, "TrailRun")
    assert (workout.start_time.seconds, workout.elapsed_ms) == (START_SECONDS, 10_500)
    assert workout.distance_m == pytest.approx(100.1, abs=0.1)
    assert [point.latitude_e7 for point in workout.segments[0].points] == [481_000_000, 481_009_000]
    assert not workout.HasField("moving_ms")
    assert not workout.HasField("utc_offset_s")


def test_extensions_of_all_dialects_are_understood() -> None:
    """Garmin's, Cluetrust's and bare extensions give the same fields."""
    garmin = (
        "<ele>520.5</ele><extensions><power>210</power><x:TrackPointExtension><x:atemp>-3</x:atemp><x:hr>140</x:hr>"
        "<x:cad>86</x:cad><x:speed>3.33</x:speed></x:TrackPointExtension></extensions>"
    )
    cluetrust = (
        "<ele>520.5</ele><extensions><d:hr>140</d:hr><d:cadence>86</d:cadence><d:temp>-3.2</d:temp>"
        "<d:speed>3.33</d:speed><p:PowerInWatts>210</p:PowerInWatts></extensions>"
    )

    assert point_of(garmin) == point_of(cluetrust)
    assert point_of(garmin) == Point(
        latitude_e7=481_000_000,
        longitude_e7=115_000_000,
        altitude_cm=52_050,
        heart_rate_bpm=140,
        cadence_rpm=86,
        power_w=210,
        speed_mm_s=3_330,
        temperature_c=-3,
    )


@pytest.mark.parametrize("value", ["0", "255", "-1", "NaN", "inf", "1e300", "twelve", "", "1" * 200])
def test_impossible_heart_rate_is_left_out(value: str) -> None:
    """A value that cannot be costs the value, not the point."""
    assert not point_of(f"<hr>{value}</hr>").HasField("heart_rate_bpm")


def test_position_off_earth_is_left_out_but_its_point_kept() -> None:
    """A point at 91 degrees north keeps its time."""
    data = gpx(gpx_track([trkpt(START, latitude="91"), trkpt("2024-05-01T10:00:10Z", longitude="180")]))
    first, second = read_one(data).segments[0].points

    assert not first.HasField("latitude_e7")
    assert not first.HasField("longitude_e7")
    assert second.longitude_e7 == 180 * 10**7


def test_each_track_is_a_workout_and_each_segment_follows_a_pause() -> None:
    """Two tracks become two workouts; two segments one workout with a pause over which no distance is bridged."""
    paused = gpx_track(
        [trkpt(START), trkpt("2024-05-01T10:00:10Z")],
        [trkpt("2024-05-01T11:00:00Z", latitude="49"), trkpt("2024-05-01T11:00:10Z", latitude="49")],
    )
    other = gpx_track([trkpt("2024-05-02T10:00:00Z"), trkpt("2024-05-02T10:00:07Z")], inner="<type>9</type>")

    first, second = read_activity_file(gpx(paused, other)).workouts

    assert [segment.follows_pause for segment in first.segments] == [False, True]
    assert (first.distance_m, first.elapsed_ms) == (0, 3_610_000)
    assert (second.sport, second.elapsed_ms) == (record_pb2.SPORT_RUN, 7_000)
    assert second.provenance.record_id == f"{first.provenance.record_id}-2"


@pytest.mark.parametrize(
    ("times", "offset"),
    [
        (("2024-05-01T12:00:00+02:00", "2024-05-01T12:00:10+02:00"), 7_200),
        (("2024-05-01T10:00:00", "2024-05-01T10:00:10"), None),
        (("2024-05-01T10:00:00+00:00", "2024-05-01T10:00:10.0000000Z"), None),
        (("2024-05-01T05:30:00-04:30", "2024-05-01T05:30:10-04:30"), -16_200),
        (("2024-05-01T10:07:00+00:07", "2024-05-01T10:07:10+00:07"), None),
    ],
)
def test_times_are_moments(times: tuple[str, str], offset: int | None) -> None:
    """Offsets are applied and a local one is kept; without any, GPX means UTC."""
    workout = read_one(gpx_of_times(*times))

    assert (workout.start_time.seconds, workout.elapsed_ms) == (START_SECONDS, 10_000)
    assert (workout.utc_offset_s if workout.HasField("utc_offset_s") else None) == offset


@pytest.mark.parametrize(
    ("times", "kept", "dropped_count"),
    [
        ((START, "1901-12-13T20:45:52Z", "2024-05-01T10:00:10Z"), [0, 10], 1),
        ((START, "", "2024-05-01T10:00:10Z"), [0, 10], 1),
        ((START, "2024-05-01T10:00:30Z", "2024-05-01T10:00:10Z", "2024-05-01T10:00:20Z"), [0, 10, 20], 1),
        ((START, "2024-06-30T10:00:00Z", "2024-05-01T10:00:10Z", "2024-05-01T10:00:10Z"), [0, 10, 10], 1),
        ((START, "yesterday", "2024-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "2024-05-01T10:00:10Z"), [0, 10], 3),
    ],
)
def test_points_with_wrong_times_are_dropped_and_counted(
    times: tuple[str, ...], kept: list[int], dropped_count: int
) -> None:
    """Absurd, absent and backward times cost their own points only."""
    reading = read_activity_file(gpx_of_times(*times))
    points = [point for segment in reading.workouts[0].segments for point in segment.points]

    assert [point.offset_ms // 1000 for point in points] == kept
    assert reading.dropped_point_count == dropped_count


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gpx_of_times("", ""), "no times: it is a planned or drawn route"),
        (gpx_of_times(START, START), "two points of different, sensible times"),
        (gpx_of_times("1901-12-13T20:45:52Z", "1901-12-13T20:46:52Z"), "different, sensible times"),
        (gpx("<wpt lat='1' lon='2'><time>2024-05-01T10:00:00Z</time></wpt>"), "no track"),
        (gpx("<rte><rtept lat='1' lon='2'/></rte>"), "no track"),
    ],
)
def test_gpx_without_a_recording_is_refused(data: bytes, message: str) -> None:
    """Routes, waypoints and tracks without times are no workouts, and the error says so."""
    with pytest.raises(InvalidFileError, match=message):
        read_activity_file(data)


def test_tracks_are_counted() -> None:
    """A file of too many tracks is refused."""
    with pytest.raises(InvalidFileError, match="more than 1,000 tracks"):
        read_activity_file(gpx("<trk/>" * (gpx_reader.TRACK_COUNT_MAX + 1)))


def test_points_are_counted() -> None:
    """The budget of a file is spent point by point, over all tracks."""
    budget = PointBudget(left=1)
    RecordedTrack(budget).add(Point(), 0)

    with pytest.raises(InvalidFileError, match="more than 500,000 points"):
        RecordedTrack(budget).add(Point(), 0)


def test_long_track_is_cut_into_segments() -> None:
    """No segment holds more than 1,000 points, and cutting is no pause."""
    times = [f"2024-05-01T{10 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z" for n in range(2_001)]
    workout = read_one(gpx_of_times(*times))

    assert [len(segment.points) for segment in workout.segments] == [1_000, 1_000, 1]
    assert not any(segment.follows_pause for segment in workout.segments)
