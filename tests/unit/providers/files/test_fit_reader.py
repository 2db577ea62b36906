"""What becomes of recordings that say too little, too much, or the wrong thing."""

from __future__ import annotations

import pytest

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidFileError
from syncwell.domain.records import Sport
from syncwell.providers.files.fit_encoding import BaseType, FieldValues, FitField
from syncwell.providers.files.fit_protocol import EventType, MessageNumber
from syncwell.providers.files.fit_reader import inspect_fit, read_fit
from syncwell.providers.files.fit_writer import write_fit
from tests.fixtures.files.fit_files import START_FIT_SECONDS, START_SECONDS, make_fit, make_run

YEAR = 365 * 86_400
TIME = FitField(253, BaseType.UINT32)
HEART_RATE = FitField(3, BaseType.UINT8)
DISTANCE = FitField(5, BaseType.UINT32)

Message = tuple[MessageNumber, FieldValues]


def record(second: int, *, heart_rate: int | None = None, distance_cm: int | None = None) -> Message:
    values = {TIME: START_FIT_SECONDS + second, HEART_RATE: heart_rate, DISTANCE: distance_cm}
    return (MessageNumber.RECORD, values)


def timer(second: int, event_type: EventType) -> Message:
    values = {
        TIME: START_FIT_SECONDS + second,
        FitField(0, BaseType.ENUM): 0,
        FitField(1, BaseType.ENUM): event_type,
    }
    return (MessageNumber.EVENT, values)


def session(
    start: int,
    *,
    elapsed_ms: int | None = None,
    timer_ms: int | None = None,
    sport: int = 1,
    heart_rate: int | None = None,
) -> Message:
    values = {
        FitField(2, BaseType.UINT32): START_FIT_SECONDS + start,
        FitField(5, BaseType.ENUM): sport,
        FitField(7, BaseType.UINT32): elapsed_ms,
        FitField(8, BaseType.UINT32): timer_ms,
        FitField(16, BaseType.UINT8): heart_rate,
    }
    return (MessageNumber.SESSION, values)


def file_id(file_type: int) -> Message:
    return (MessageNumber.FILE_ID, {FitField(0, BaseType.ENUM): file_type})


def activity(offset_seconds: int) -> Message:
    end = START_FIT_SECONDS + 60
    return (MessageNumber.ACTIVITY, {TIME: end, FitField(5, BaseType.UINT32): end + offset_seconds})


def read_one(*messages: Message) -> CanonicalWorkout:
    (workout,) = read_fit(make_fit(messages))
    return workout


def offsets_s(workout: CanonicalWorkout) -> list[int]:
    return [point.offset_ms // 1000 for segment in workout.segments for point in segment.points]


def test_without_a_session_the_records_tell() -> None:
    """Start, wall time, distance and heart rate come from the records where no session was written."""
    workout = read_one(
        (MessageNumber.SPORT, {FitField(0, BaseType.ENUM): 11, FitField(1, BaseType.ENUM): 0}),
        record(10, heart_rate=100, distance_cm=0),
        record(70, heart_rate=140, distance_cm=9_000),
    )

    assert Sport(workout.sport) is Sport.WALK
    assert workout.start_time.seconds == START_SECONDS + 10
    assert (workout.elapsed_ms, workout.distance_m) == (60_000, 90.0)
    assert (workout.average_heart_rate_bpm, workout.max_heart_rate_bpm) == (120, 140)
    assert not workout.HasField("moving_ms")


def test_stray_records_are_dropped_and_counted() -> None:
    """A record years away and one that runs backwards are left out; the others stay."""
    reading = inspect_fit(
        make_fit(
            [record(0), record(5), record(2 * YEAR), record(6), record(4), record(7), session(0, elapsed_ms=60_000)]
        )
    )

    assert offsets_s(reading.workouts[0]) == [0, 5, 6, 7]
    assert reading.dropped_point_count == 2


def test_first_stray_record_does_not_shift_a_workout_without_session() -> None:
    """The middle record, not the first, says when a recording was."""
    workout = read_one(record(-3 * YEAR), record(0), record(5), record(9))

    assert workout.start_time.seconds == START_SECONDS
    assert offsets_s(workout) == [0, 5, 9]


def test_session_with_a_wrong_clock_is_not_believed_about_time() -> None:
    """A session years away from all of its records keeps its sums and loses its start."""
    workout = read_one(record(0), record(60), session(-9 * YEAR, elapsed_ms=61_000, timer_ms=50_000))

    assert workout.start_time.seconds == START_SECONDS
    assert (workout.elapsed_ms, workout.moving_ms) == (61_000, 50_000)
    assert offsets_s(workout) == [0, 60]


def test_stray_lap_is_left_out() -> None:
    """A lap years away from the workout is no lap of it."""
    laps: list[Message] = [
        (MessageNumber.LAP, {FitField(2, BaseType.UINT32): START_FIT_SECONDS + start}) for start in (0, 30, 2 * YEAR)
    ]

    workout = read_one(record(0), *laps, session(0, elapsed_ms=60_000))

    assert [lap.start_time.seconds - START_SECONDS for lap in workout.laps] == [0, 30]


def test_points_before_the_start_stay() -> None:
    """A record shortly before the session's start has a negative offset."""
    assert offsets_s(read_one(record(-2), record(1), session(0, elapsed_ms=10_000))) == [-2, 1]


def test_wall_time_is_never_shorter_than_timer_time() -> None:
    """Where a device says so, its timer is believed."""
    workout = read_one(record(0), record(50), session(0, elapsed_ms=30_000, timer_ms=50_000))

    assert (workout.elapsed_ms, workout.moving_ms) == (50_000, 50_000)


def test_pause_begins_a_new_segment() -> None:
    """Points after a stop and a start of the timer follow a pause; a stop without length does not count."""
    workout = read_one(
        timer(0, EventType.START),
        record(0),
        record(1),
        timer(1, EventType.STOP_ALL),
        timer(60, EventType.START),
        record(60),
        timer(61, EventType.STOP),
        timer(61, EventType.START),
        record(62),
        session(0, elapsed_ms=62_000),
    )

    assert [(len(each.points), each.follows_pause) for each in workout.segments] == [(2, False), (2, True)]


def test_segments_hold_a_thousand_points() -> None:
    """Long tracks come in segments of 1,000 points without a pause between."""
    workout = read_one(*(record(second) for second in range(2_001)))

    assert [(len(each.points), each.follows_pause) for each in workout.segments] == [
        (1_000, False),
        (1_000, False),
        (1, False),
    ]


@pytest.mark.parametrize(
    ("offset_seconds", "expected"),
    [(0, 0), (-34_200, -34_200), (50_400, 50_400), (50_401, None), (54_000, None), (10_753, None), (-9 * YEAR, None)],
)
def test_local_time_must_be_a_time_zone(offset_seconds: int, expected: int | None) -> None:
    """An offset beyond 14 hours or off the quarter of an hour is left out."""
    workout = read_one(session(0, elapsed_ms=60_000), activity(offset_seconds))

    assert (workout.utc_offset_s if workout.HasField("utc_offset_s") else None) == expected


def test_chained_recordings_are_workouts_of_their_own() -> None:
    """Two recordings in one file have ids of their own, the same on every reading."""
    file = write_fit(make_run()) + write_fit(make_run())

    ids = [workout.provenance.record_id for workout in read_fit(file)]

    assert len(set(ids)) == 2
    assert ids == [workout.provenance.record_id for workout in read_fit(file)]


def test_sessions_of_one_sport_stay_that_sport() -> None:
    """Two runs in one recording are one run with two laps; the mean heart rate is weighted by time."""
    workout = read_one(
        session(0, elapsed_ms=60_000, timer_ms=60_000, heart_rate=120),
        session(100, elapsed_ms=20_000, timer_ms=20_000, heart_rate=160),
    )

    assert Sport(workout.sport) is Sport.RUN
    assert [lap.elapsed_ms for lap in workout.laps] == [60_000, 20_000]
    assert (workout.elapsed_ms, workout.moving_ms) == (120_000, 80_000)
    assert workout.average_heart_rate_bpm == 130


def test_settings_beside_an_activity_are_ignored() -> None:
    """Only the activities of a chain are workouts."""
    file = make_fit([file_id(2)]) + make_fit([file_id(4), session(0, elapsed_ms=60_000)])

    assert len(read_fit(file)) == 1


@pytest.mark.parametrize("file_type", [2, 5, 6, 9, 15])
def test_file_without_activity_is_refused(file_type: int) -> None:
    """Settings, plans, courses, weights and monitoring are no workouts."""
    with pytest.raises(InvalidFileError, match="holds no activity"):
        read_fit(make_fit([file_id(file_type), record(0), record(9)]))


@pytest.mark.parametrize(
    "messages",
    [
        [file_id(4)],
        [file_id(4), record(0)],
        [file_id(4), record(0), record(0)],
        [file_id(4), record(-START_FIT_SECONDS), record(60 - START_FIT_SECONDS)],
    ],
    ids=["nothing", "one record", "one moment", "times since power on"],
)
def test_activity_without_time_is_refused(messages: list[Message]) -> None:
    """What does not say when it was, or lasted no time at all, is no workout."""
    with pytest.raises(InvalidFileError, match="when the activity took place"):
        read_fit(make_fit(messages))
