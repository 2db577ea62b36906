"""Writes canonical workouts as FIT activity files.

The same workout always gives the same bytes, so a repeated upload is recognisably the same file. The file has what
Strava and others ask for: maker, product and time of creation, a time in every record, timer events around pauses, at
least one lap, a session and the local time where it is known.

FIT has whole seconds, 1/5 metre of altitude and no title: what is finer is rounded, titles travel beside the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap, Point
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import Sport
from syncwell.providers.files import fit_protocol as fit
from syncwell.providers.files.fit_columns import PointColumn, used_columns
from syncwell.providers.files.fit_encoding import BaseType, FieldValues, FitEncoder, FitField
from syncwell.providers.files.fit_legs import KNOWN_SPORTS, FitLeg, rounded, split_legs, whole_lap
from syncwell.providers.files.fit_protocol import EventCode, EventType, MessageNumber
from syncwell.providers.files.fit_sports import sport_to_fit

_PRODUCT = 1
_MILLISECONDS_MAX = 0xFFFFFFFE
_TIME_MAX = 0xFFFFFFFE
_ACTIVITY_MANUAL = 0
_ACTIVITY_MULTISPORT = 1

_TIMESTAMP = FitField(253, BaseType.UINT32)
_MESSAGE_INDEX = FitField(254, BaseType.UINT16)
_EVENT = FitField(0, BaseType.ENUM)
_EVENT_TYPE = FitField(1, BaseType.ENUM)
_START_TIME = FitField(2, BaseType.UINT32)
_TOTAL_ELAPSED = FitField(7, BaseType.UINT32)
_TOTAL_TIMER = FitField(8, BaseType.UINT32)
_TOTAL_DISTANCE = FitField(9, BaseType.UINT32)


def write_fit(workout: CanonicalWorkout) -> bytes:
    """Returns `workout` as a FIT activity file that `read_fit` and other programs read back.

    A workout without points gets two bare records, at its start and its end, because many services refuse files
    without any. Timer time is wall time where `moving_ms` is unknown. A multisport workout becomes one session for
    each leg where its laps are legs without overlap that span it.

    Raises:
        InvalidInputError: FIT cannot say it: it began before 1998-07 or after 2126-02, lasted above 49 days, or its
            sport is unspecified.
    """
    _check_expressible(workout)
    encoder = FitEncoder()
    encoder.add(MessageNumber.FILE_ID, _file_id(workout))
    for message, values in _track(workout):
        encoder.add(message, values)
    legs = split_legs(workout)
    for index, lap in enumerate(workout.laps or [whole_lap(workout)]):
        encoder.add(MessageNumber.LAP, _lap(lap, index))
    for index, leg in enumerate(legs):
        encoder.add(MessageNumber.SESSION, _session(leg, index, workout))
    encoder.add(MessageNumber.ACTIVITY, _activity(workout, session_count=len(legs)))
    return encoder.finish()


def _check_expressible(workout: CanonicalWorkout) -> None:
    if workout.sport not in KNOWN_SPORTS:
        raise InvalidInputError("A workout without a sport cannot be written as FIT. Set its sport.", field="sport")
    if workout.elapsed_ms > _MILLISECONDS_MAX:
        raise InvalidInputError("A workout above 49 days cannot be written as FIT. Split it.", field="elapsed_ms")
    if not fit.ABSOLUTE_SECONDS_MIN <= _start(workout) <= _TIME_MAX - workout.elapsed_ms // 1000:
        raise InvalidInputError("FIT knows times from 1998 to 2126 only. Check the start time.", field="start_time")


def _file_id(workout: CanonicalWorkout) -> FieldValues:
    return {
        FitField(0, BaseType.ENUM): fit.FILE_TYPE_ACTIVITY,
        FitField(1, BaseType.UINT16): fit.MANUFACTURER_DEVELOPMENT,
        FitField(2, BaseType.UINT16): _PRODUCT,
        FitField(3, BaseType.UINT32Z): _serial_number(workout),
        FitField(4, BaseType.UINT32): _start(workout),
        FitField(8, BaseType.STRING): workout.provenance.device_name,
    }


def _serial_number(workout: CanonicalWorkout) -> int:
    """Returns a number that tells workouts apart as serial numbers tell devices, the same on every run."""
    name = f"{workout.provenance.provider}\n{workout.provenance.record_id}\n{_start(workout)}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") or 1


def _track(workout: CanonicalWorkout) -> Iterator[tuple[MessageNumber, FieldValues]]:
    """Yields timer events and records in time order."""
    start, end = _start(workout), _end(workout)
    points = [point for segment in workout.segments for point in segment.points]
    columns = used_columns(points)
    yield MessageNumber.EVENT, _timer_event(start, EventType.START)
    if not points:
        for seconds in (start, end):
            yield MessageNumber.RECORD, {_TIMESTAMP: seconds}
    latest: int | None = None
    for segment in workout.segments:
        for index, point in enumerate(segment.points):
            seconds = _point_time(workout, point)
            if index == 0 and segment.follows_pause and latest is not None:
                yield MessageNumber.EVENT, _timer_event(latest, EventType.STOP_ALL)
                yield MessageNumber.EVENT, _timer_event(seconds, EventType.START)
            yield MessageNumber.RECORD, _record(seconds, point, columns)
            latest = seconds
    yield MessageNumber.EVENT, _timer_event(max(end, latest or end), EventType.STOP_ALL)


def _timer_event(seconds: int, event_type: EventType) -> FieldValues:
    return {_TIMESTAMP: seconds, _EVENT: EventCode.TIMER, _EVENT_TYPE: event_type}


def _record(seconds: int, point: Point, columns: Sequence[PointColumn]) -> FieldValues:
    return {_TIMESTAMP: seconds, **{column.field: column.raw(point) for column in columns}}


def _lap(lap: Lap, index: int) -> FieldValues:
    start = lap.start_time.seconds - fit.EPOCH_UNIX_SECONDS
    pair = sport_to_fit(Sport(lap.sport)) if lap.sport in KNOWN_SPORTS else None
    return {
        _MESSAGE_INDEX: index,
        _TIMESTAMP: start + lap.elapsed_ms // 1000,
        _EVENT: EventCode.LAP,
        _EVENT_TYPE: EventType.STOP,
        _START_TIME: start,
        _TOTAL_ELAPSED: lap.elapsed_ms,
        _TOTAL_TIMER: lap.elapsed_ms,
        _TOTAL_DISTANCE: rounded(lap.distance_m, 100) if lap.HasField("distance_m") else None,
        FitField(25, BaseType.ENUM): pair.sport if pair else None,
        FitField(39, BaseType.ENUM): pair.sub_sport if pair else None,
    }


def _session(leg: FitLeg, index: int, workout: CanonicalWorkout) -> FieldValues:
    start = leg.lap.start_time.seconds - fit.EPOCH_UNIX_SECONDS
    pair = sport_to_fit(leg.sport, is_indoor=workout.is_indoor)
    return {
        _MESSAGE_INDEX: index,
        _TIMESTAMP: start + leg.lap.elapsed_ms // 1000,
        _EVENT: EventCode.SESSION,
        _EVENT_TYPE: EventType.STOP,
        _START_TIME: start,
        FitField(5, BaseType.ENUM): pair.sport,
        FitField(6, BaseType.ENUM): pair.sub_sport,
        _TOTAL_ELAPSED: leg.lap.elapsed_ms,
        _TOTAL_TIMER: leg.timer_ms,
        _TOTAL_DISTANCE: rounded(leg.lap.distance_m, 100) if leg.lap.HasField("distance_m") else None,
        FitField(11, BaseType.UINT16): leg.energy_kcal,
        FitField(16, BaseType.UINT8): workout.average_heart_rate_bpm or None,
        FitField(17, BaseType.UINT8): workout.max_heart_rate_bpm or None,
        FitField(22, BaseType.UINT16): leg.climb_m,
        FitField(25, BaseType.UINT16): leg.first_lap,
        FitField(26, BaseType.UINT16): leg.lap_count,
    }


def _activity(workout: CanonicalWorkout, *, session_count: int) -> FieldValues:
    end = _end(workout)
    timer_ms = workout.moving_ms if workout.HasField("moving_ms") else workout.elapsed_ms
    return {
        _TIMESTAMP: end,
        FitField(0, BaseType.UINT32): timer_ms,
        FitField(1, BaseType.UINT16): session_count,
        FitField(2, BaseType.ENUM): _ACTIVITY_MULTISPORT if session_count > 1 else _ACTIVITY_MANUAL,
        FitField(3, BaseType.ENUM): EventCode.ACTIVITY,
        FitField(4, BaseType.ENUM): EventType.STOP,
        FitField(5, BaseType.UINT32): end + workout.utc_offset_s if workout.HasField("utc_offset_s") else None,
    }


def _start(workout: CanonicalWorkout) -> int:
    return workout.start_time.seconds - fit.EPOCH_UNIX_SECONDS


def _end(workout: CanonicalWorkout) -> int:
    return _start(workout) + workout.elapsed_ms // 1000


def _point_time(workout: CanonicalWorkout, point: Point) -> int:
    start_ms = workout.start_time.seconds * 1000 + workout.start_time.nanos // 1_000_000
    return (start_ms + point.offset_ms) // 1000 - fit.EPOCH_UNIX_SECONDS
