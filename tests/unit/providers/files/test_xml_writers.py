"""Writing TCX and GPX: what independent readers see, and what comes back."""

from __future__ import annotations

import io
from collections.abc import Callable

import gpxpy
import pytest
from defusedxml import ElementTree
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from tcxreader.tcxreader import TCXReader

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap, Point, PointSegment, Provenance
from syncwell.domain.errors import InvalidFileError, InvalidInputError
from syncwell.domain.records import Sport
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.gpx_writer import write_gpx
from syncwell.providers.files.tcx_writer import tcx_sport, write_tcx
from tests.fixtures.files.fit_files import START_SECONDS, make_run

WRITERS = [write_gpx, write_tcx]
Writer = Callable[[CanonicalWorkout], bytes]


def read_one(data: bytes) -> CanonicalWorkout:
    (workout,) = read_activity_file(data).workouts
    return workout


def points_of(workout: CanonicalWorkout) -> list[Point]:
    return [point for segment in workout.segments for point in segment.points]


def test_gpxpy_agrees() -> None:
    """An independent reader sees times, positions, altitude and type."""
    document = gpxpy.parse(write_gpx(make_run()).decode())
    (track,) = document.tracks
    points = track.segments[0].points

    assert str(track.type) == "running"
    assert len(points) == 60
    assert points[7].time is not None
    assert points[7].time.timestamp() == START_SECONDS + 7
    assert (points[7].latitude, points[7].longitude, points[7].elevation) == (48.00021, 11.0, 520.4)
    assert points[7].extensions[1][1].text == "127"


def test_tcxreader_agrees() -> None:
    """An independent reader sees sums, heart rate, cadence and power."""
    exercise = TCXReader().read(io.BytesIO(write_tcx(make_run())), only_gps=False)

    assert exercise.activity_type == "Running"
    assert (exercise.duration, exercise.distance, exercise.calories) == (59, 199.8, 14)
    assert (exercise.hr_avg, exercise.hr_max) == (pytest.approx(139, abs=10), 159)
    assert len(exercise.trackpoints) == 60
    assert exercise.trackpoints[7].time.timestamp() == START_SECONDS + 7
    assert (exercise.trackpoints[7].hr_value, exercise.trackpoints[7].tpx_ext) == (
        127,
        {"Speed": 3.33, "RunCadence": 86, "Watts": 250},
    )


@pytest.mark.parametrize("write", WRITERS)
def test_same_workout_gives_same_bytes(write: Writer) -> None:
    """Writing is deterministic."""
    assert write(make_run()) == write(make_run())


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (CanonicalWorkout(start_time=Timestamp(seconds=START_SECONDS)), "sport"),
        (CanonicalWorkout(sport=record_pb2.SPORT_RUN), "start_time"),
        (CanonicalWorkout(sport=record_pb2.SPORT_RUN, start_time=Timestamp(seconds=2**33)), "start_time"),
        (CanonicalWorkout(sport=record_pb2.SPORT_RUN, elapsed_ms=2**60), "elapsed_ms"),
    ],
)
def test_what_no_reader_would_believe_is_refused(write: Writer, wrong: CanonicalWorkout, field: str) -> None:
    """A workout without sport or outside of time is an `InvalidInputError` that names the field."""
    with pytest.raises(InvalidInputError) as caught:
        write(wrong)

    assert caught.value.fields["field"] == field


def test_gpx_needs_positions() -> None:
    """A workout on a treadmill is no GPX track, and the error says what to use."""
    run = make_run(point_count=3)
    for point in points_of(run):
        point.ClearField("latitude_e7")

    with pytest.raises(InvalidInputError, match="Use FIT or TCX"):
        write_gpx(run)


def test_tcx_of_a_workout_without_points_says_its_sums() -> None:
    """Yoga has a bare point at each end, its duration and its energy."""
    yoga = CanonicalWorkout(
        sport=record_pb2.SPORT_YOGA, start_time=Timestamp(seconds=START_SECONDS), elapsed_ms=1_800_000, energy_kcal=90
    )
    again = read_one(write_tcx(yoga))

    assert [point.offset_ms for point in points_of(again)] == [0, 1_800_000]
    assert (again.elapsed_ms, again.moving_ms, again.energy_kcal) == (1_800_000, 1_800_000, 90)
    assert not again.HasField("distance_m")


def test_laps_that_do_not_make_up_the_workout_are_left_out() -> None:
    """Sums are worth more than laps: where both cannot be said, one lap says the sums."""
    run = make_run()
    run.laps[0].distance_m = 10

    again = read_one(write_tcx(run))

    assert (len(again.laps), again.distance_m, again.moving_ms) == (1, run.distance_m, run.moving_ms)


def test_laps_come_back() -> None:
    """Laps keep start, distance and points; time on the timer is shared out without loss."""
    run = make_run()
    del run.laps[:]
    for index in range(3):
        start = Timestamp(seconds=START_SECONDS + 20 * index)
        run.laps.append(Lap(start_time=start, elapsed_ms=20_000, distance_m=66.6))

    again = read_one(write_tcx(run))

    assert [(lap.start_time, lap.distance_m) for lap in again.laps] == [
        (lap.start_time, lap.distance_m) for lap in run.laps
    ]
    assert again.moving_ms == run.moving_ms
    assert len(points_of(again)) == 60
    assert not any(segment.follows_pause for segment in again.segments)


HOSTILE_TEXT = '<b>&amp; ]]> "quoted" \x00\x0b\ufffe 🏃'


@pytest.mark.parametrize("write", WRITERS)
def test_words_cannot_break_the_file(write: Writer) -> None:
    """Titles, notes and devices are escaped; what XML cannot say is left out."""
    run = make_run(point_count=2)
    run.title = run.notes = run.provenance.device_name = HOSTILE_TEXT

    file = write(run)

    ElementTree.fromstring(file)
    assert read_one(file).notes == '<b>&amp; ]]> "quoted"  🏃'


@pytest.mark.parametrize("sport", list(Sport))
def test_every_sport_survives_as_far_as_the_format_can_say_it(sport: Sport) -> None:
    """GPX keeps every sport, TCX three."""
    run = make_run(point_count=2)
    run.sport = record_pb2.Sport.ValueType(sport)

    assert Sport(read_one(write_gpx(run)).sport) is sport
    assert Sport(read_one(write_tcx(run)).sport) is tcx_sport(sport)


def optional(strategy: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | strategy


@st.composite
def points(draw: st.DrawFn, offset_ms: int) -> Point:
    """Draws a point with a position and anything else that the formats can say."""
    return Point(
        offset_ms=offset_ms,
        latitude_e7=draw(st.integers(-90 * 10**7, 90 * 10**7)),
        longitude_e7=draw(st.integers(-180 * 10**7, 180 * 10**7)),
        altitude_cm=draw(optional(st.integers(-1_000_000, 1_000_000))),
        speed_mm_s=draw(optional(st.integers(0, 50_000))),
        heart_rate_bpm=draw(optional(st.integers(1, 254))),
        cadence_rpm=draw(optional(st.integers(0, 254))),
        power_w=draw(optional(st.integers(0, 3_000))),
    )


@st.composite
def workouts(draw: st.DrawFn) -> CanonicalWorkout:
    """Draws workouts that begin at their first point and end at their last."""
    gaps = draw(st.lists(st.integers(1, 100_000), min_size=1, max_size=8))
    offsets = [sum(gaps[:index]) for index in range(len(gaps) + 1)]
    workout = CanonicalWorkout(
        provenance=Provenance(provider="files"),
        sport=draw(st.sampled_from([record_pb2.SPORT_RUN, record_pb2.SPORT_RIDE])),
        start_time=Timestamp(
            seconds=draw(st.integers(700_000_000, 4_000_000_000)), nanos=draw(st.integers(0, 999)) * 1_000_000
        ),
        elapsed_ms=offsets[-1],
        notes=draw(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]), max_size=20)).strip(),
    )
    for offset in offsets:
        if not workout.segments or draw(st.booleans()):
            workout.segments.append(PointSegment(follows_pause=bool(workout.segments)))
        workout.segments[-1].points.append(draw(points(offset)))
    return workout


def comparable(workout: CanonicalWorkout) -> CanonicalWorkout:
    """Returns what is not derived from the points."""
    kept = CanonicalWorkout()
    kept.CopyFrom(workout)
    for name in ("provenance", "laps", "distance_m", "average_heart_rate_bpm", "max_heart_rate_bpm", "moving_ms"):
        kept.ClearField(name)
    return kept


@settings(max_examples=60)
@given(workout=workouts())
def test_gpx_round_trip(workout: CanonicalWorkout) -> None:
    """What has positions comes back from GPX point by point, pauses and milliseconds included."""
    assert comparable(read_one(write_gpx(workout))) == comparable(workout)


@settings(max_examples=60)
@given(workout=workouts(), moving_share=st.floats(0.1, 1), distance_cm=st.integers(1, 10**8))
def test_tcx_round_trip(workout: CanonicalWorkout, moving_share: float, distance_cm: int) -> None:
    """What TCX can say comes back, with sums."""
    workout.moving_ms = max(1, round(workout.elapsed_ms * moving_share))
    workout.distance_m = distance_cm / 100
    workout.energy_kcal = 123

    again = read_one(write_tcx(workout))

    assert comparable(again) == comparable(workout)
    assert (again.moving_ms, again.distance_m) == (workout.moving_ms, workout.distance_m)


@settings(max_examples=60)
@given(data=st.binary(max_size=200), prefix=st.sampled_from([b"", b"<gpx>", b"<TrainingCenterDatabase><Activity>"]))
def test_noise_is_refused(data: bytes, prefix: bytes) -> None:
    """Random bytes never give anything but an `InvalidFileError`."""
    with pytest.raises(InvalidFileError):
        read_activity_file(prefix + data)
