"""Writing FIT: what independent parsers see, and what comes back."""

from __future__ import annotations

import warnings
from typing import Any

import fitdecode
import pytest
from fit_tool.fit_file import FitFile
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap, Point, PointSegment
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import Sport
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.files.fit_writer import write_fit
from tests.fixtures.files.fit_files import START_SECONDS, make_run

ALTITUDE_STEP_CM = 20
SECOND_MS = 1000


def messages_of(file: bytes) -> list[tuple[str, dict[str, Any]]]:  # values of every type that FIT has
    """Decodes with fitdecode, checksums checked, in file order."""
    with fitdecode.FitReader(
        file, check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    ) as fit:
        return [
            (frame.name, {field.name: field.value for field in frame.fields})
            for frame in fit
            if isinstance(frame, fitdecode.FitDataMessage)
        ]


def the(name: str, file: bytes) -> dict[str, Any]:
    (found,) = [values for message, values in messages_of(file) if message == name]
    return found


def points_of(workout: CanonicalWorkout) -> list[Point]:
    return [point for segment in workout.segments for point in segment.points]


def test_fitdecode_sees_what_strava_wants() -> None:
    """An independent parser finds maker, product, creation time, sums, records and local time."""
    file = write_fit(make_run())

    file_id, session, activity = the("file_id", file), the("session", file), the("activity", file)
    assert (file_id["type"], file_id["manufacturer"], file_id["product"]) == ("activity", "development", 1)
    assert file_id["time_created"].timestamp() == START_SECONDS
    assert file_id["serial_number"] > 0
    assert (session["sport"], session["sub_sport"]) == ("running", "generic")
    assert session["start_time"].timestamp() == START_SECONDS
    assert (session["total_elapsed_time"], session["total_timer_time"]) == (60.0, 59.5)
    assert (session["total_distance"], session["total_calories"], session["total_ascent"]) == (199.8, 14, 8)
    assert (session["avg_heart_rate"], session["max_heart_rate"]) == (139, 159)
    assert session["num_laps"] == 1
    local = activity["local_timestamp"].timestamp() - activity["timestamp"].timestamp()
    assert local == 7200
    assert activity["num_sessions"] == 1


def test_fit_tool_agrees() -> None:
    """A second independent parser reads the same records and session."""
    run = make_run()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fit-tool's own, about its internals
        messages = [record.message for record in FitFile.from_bytes(write_fit(run)).records]
    records = [message for message in messages if type(message).__name__ == "RecordMessage"]
    (session,) = [message for message in messages if type(message).__name__ == "SessionMessage"]

    assert len(records) == 60
    assert records[7].timestamp == (START_SECONDS + 7) * 1000
    assert records[7].position_lat == pytest.approx(48.00021, abs=1e-7)
    assert records[7].heart_rate == 127
    assert records[7].enhanced_altitude == pytest.approx(520.4)
    assert session.total_distance == pytest.approx(199.8)
    assert session.total_elapsed_time == pytest.approx(60.0)


def test_same_workout_gives_same_bytes() -> None:
    """Writing is deterministic; another record of the same time differs in its serial number."""
    other = make_run()
    other.provenance.record_id = "43"

    assert write_fit(make_run()) == write_fit(make_run())
    assert write_fit(make_run()) != write_fit(other)


def test_workout_without_points_has_a_record_at_each_end() -> None:
    """Services refuse files without records, so start and end stand for the track."""
    yoga = CanonicalWorkout(
        sport=record_pb2.SPORT_YOGA, start_time=Timestamp(seconds=START_SECONDS), elapsed_ms=1_800_000
    )

    (again,) = read_fit(write_fit(yoga))

    assert [point.offset_ms for point in points_of(again)] == [0, 1_800_000]
    assert (again.sport, again.elapsed_ms) == (record_pb2.SPORT_YOGA, 1_800_000)
    assert not again.HasField("distance_m")
    assert not again.HasField("utc_offset_s")


def test_pause_is_written_as_timer_events() -> None:
    """The timer stops at the last point before a pause and starts at the first one after it."""
    run = make_run(point_count=10)
    tail = PointSegment(points=[Point(offset_ms=300_000), Point(offset_ms=301_000)], follows_pause=True)
    run.segments.append(tail)
    run.elapsed_ms = 301_000

    file = write_fit(run)
    timer = [
        (values["timestamp"].timestamp() - START_SECONDS, values["event_type"])
        for message, values in messages_of(file)
        if message == "event"
    ]
    (again,) = read_fit(file)

    assert timer == [(0, "start"), (9, "stop_all"), (300, "start"), (301, "stop_all")]
    assert [(len(segment.points), segment.follows_pause) for segment in again.segments] == [(10, False), (2, True)]


def make_triathlon() -> CanonicalWorkout:
    legs = [
        (record_pb2.SPORT_SWIM_OPEN, 0, 600),
        (record_pb2.SPORT_RIDE, 600, 3600),
        (record_pb2.SPORT_RUN, 4200, 1800),
    ]
    return CanonicalWorkout(
        sport=record_pb2.SPORT_MULTISPORT,
        start_time=Timestamp(seconds=START_SECONDS),
        elapsed_ms=6_000_000,
        moving_ms=5_900_001,
        distance_m=36_000,
        energy_kcal=1_001,
        laps=[
            Lap(
                start_time=Timestamp(seconds=START_SECONDS + start),
                elapsed_ms=1000 * length,
                distance_m=12_000,
                sport=sport,
            )
            for sport, start, length in legs
        ],
    )


def test_triathlon_comes_back_leg_by_leg() -> None:
    """Each leg is a session; sums that only the whole knows are shared out without loss."""
    race = make_triathlon()

    file = write_fit(race)
    (again,) = read_fit(file)

    assert [values["sport"] for name, values in messages_of(file) if name == "session"] == [
        "swimming",
        "cycling",
        "running",
    ]
    assert list(again.laps) == list(race.laps)
    assert (again.sport, again.elapsed_ms, again.moving_ms) == (race.sport, race.elapsed_ms, race.moving_ms)
    assert (again.distance_m, again.energy_kcal) == (race.distance_m, race.energy_kcal)


def test_multisport_without_legs_stays_one_session() -> None:
    """Laps that do not span the workout are laps, not legs."""
    race = make_triathlon()
    del race.laps[2]

    assert the("session", write_fit(race))["sport"] == "multisport"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (CanonicalWorkout(start_time=Timestamp(seconds=START_SECONDS)), "sport"),
        (CanonicalWorkout(sport=record_pb2.SPORT_RUN, elapsed_ms=2**32), "elapsed_ms"),
        (CanonicalWorkout(sport=record_pb2.SPORT_RUN), "start_time"),
        (CanonicalWorkout(sport=record_pb2.SPORT_RUN, start_time=Timestamp(seconds=2**33)), "start_time"),
    ],
)
def test_what_fit_cannot_say_is_refused(wrong: CanonicalWorkout, field: str) -> None:
    """A workout outside FIT's range is an `InvalidInputError` that names the field."""
    with pytest.raises(InvalidInputError) as caught:
        write_fit(wrong)

    assert caught.value.fields["field"] == field


@pytest.mark.parametrize("degrees", [-180, 180])
def test_date_line_is_a_place(degrees: int) -> None:
    """180 degrees east stays within centimetres of where it is and does not vanish."""
    run = make_run(point_count=2)
    run.segments[0].points[1].longitude_e7 = degrees * 10**7

    (again,) = read_fit(write_fit(run))

    assert points_of(again)[1].longitude_e7 == pytest.approx(degrees * 10**7, abs=2)


def test_values_beyond_a_field_are_absent() -> None:
    """A number that its field cannot hold, or that is none, is left out and never wraps around."""
    run = make_run(point_count=2)
    run.segments[0].points[0].heart_rate_bpm = 300
    run.segments[0].points[0].altitude_cm = -60_000
    run.distance_m = float("nan")
    run.energy_kcal = 1e9

    (again,) = read_fit(write_fit(run))

    assert not points_of(again)[0].HasField("heart_rate_bpm")
    assert not points_of(again)[0].HasField("altitude_cm")
    assert points_of(again)[1] == points_of(run)[1]
    assert not again.HasField("energy_kcal")
    assert again.distance_m == points_of(run)[1].distance_cm / 100


def test_device_name_is_kept_and_cut_between_characters() -> None:
    """The device's name travels in the file, shortened without breaking a character."""
    run = make_run()
    run.provenance.device_name = "é" * 60

    (again,) = read_fit(write_fit(run))

    assert again.provenance.device_name == "é" * 31


def optional(low: int, high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(low, high)


point_values = st.fixed_dictionaries(
    {
        "latitude_e7": st.integers(-90 * 10**7, 90 * 10**7),
        "longitude_e7": st.integers(-180 * 10**7, 180 * 10**7 - 2),
        "altitude_cm": optional(-45_000, 900_000),
        "distance_cm": optional(0, 10**9),
        "speed_mm_s": optional(0, 100_000),
        "heart_rate_bpm": optional(1, 250),
        "cadence_rpm": optional(0, 250),
        "power_w": optional(0, 3_000),
        "temperature_c": optional(-60, 60),
    }
)


@st.composite
def workouts(draw: st.DrawFn) -> CanonicalWorkout:
    gaps = draw(st.lists(st.integers(0, 90_000), min_size=2, max_size=25))
    times = [sum(gaps[: index + 1]) - gaps[0] for index in range(len(gaps))]
    points = [Point(offset_ms=time, **draw(point_values)) for time in times]
    cut = draw(st.integers(1, len(points) - 1))
    elapsed_ms = times[-1] + draw(st.integers(1, 50_000))
    return CanonicalWorkout(
        sport=record_pb2.Sport.ValueType(draw(st.sampled_from([s for s in Sport if s != Sport.MULTISPORT]))),
        start_time=Timestamp(seconds=draw(st.integers(10**9, 2 * 10**9)), nanos=draw(st.integers(0, 999)) * 10**6),
        utc_offset_s=draw(st.none() | st.integers(-56, 56).map(lambda quarter: 900 * quarter)),
        elapsed_ms=elapsed_ms,
        moving_ms=draw(st.integers(0, elapsed_ms)),
        distance_m=draw(st.none() | st.integers(0, 10**8).map(lambda cm: cm / 100)),
        segments=[PointSegment(points=points[:cut]), PointSegment(points=points[cut:], follows_pause=True)],
    )


@settings(max_examples=60, deadline=None)
@given(workouts())
def test_round_trip_keeps_what_fit_can_say(workout: CanonicalWorkout) -> None:
    """Sport, times, sums and every value of every point come back within FIT's resolution."""
    (again,) = read_fit(write_fit(workout))

    assert again.sport == workout.sport
    assert again.start_time.seconds == workout.start_time.seconds
    assert (again.elapsed_ms, again.moving_ms) == (workout.elapsed_ms, workout.moving_ms)
    if workout.HasField("distance_m"):
        assert again.distance_m == pytest.approx(workout.distance_m, abs=0.005)
    assert again.HasField("utc_offset_s") == workout.HasField("utc_offset_s")
    assert again.utc_offset_s == workout.utc_offset_s
    assert len(points_of(again)) == len(points_of(workout))
    for ours, theirs in zip(points_of(again), points_of(workout), strict=True):
        assert abs(ours.offset_ms - theirs.offset_ms) < SECOND_MS
        assert abs(ours.altitude_cm - theirs.altitude_cm) <= ALTITUDE_STEP_CM // 2
        for point in (ours, theirs):
            point.ClearField("offset_ms")
            if point.HasField("altitude_cm"):
                point.altitude_cm = 0
        assert ours == theirs


@settings(max_examples=40, deadline=None)
@given(workouts())
def test_second_round_trip_changes_nothing(workout: CanonicalWorkout) -> None:
    """What FIT has rounded once is written and read back exactly."""
    (once,) = read_fit(write_fit(workout))
    (twice,) = read_fit(write_fit(once))
    once.provenance.Clear()
    twice.provenance.Clear()

    assert twice == once
