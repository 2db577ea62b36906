"""Reads FIT files with fitdecode, which no other part of the road to a sandbox writes with."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from typing import TypeAlias

import fitdecode

from syncwell.domain.errors import InvalidFileError
from syncwell.sandbox.fit_crc import check_fit_crc
from syncwell.sandbox.track import Track, TrackPoint, travelled

POINTS_MAX = 500_000
DEGREES_PER_SEMICIRCLE = 180 / 2**31
OFFSET_SECONDS_MAX = 14 * 3600
FIT_EPOCH_S = 631_065_600  # 1989-12-31T00:00:00Z
ABSOLUTE_TIME_MIN = 0x10000000  # smaller numbers count from when the device was switched on
# What fitdecode was seen to raise on damaged files, beside its own errors.
PARSER_ERRORS = (
    fitdecode.FitError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
)


Message: TypeAlias = "dict[str, object]"


def read_fit_track(content: bytes) -> Track:
    """Reads the sessions and records of a file as one track.

    Raises:
        InvalidFileError: broken, not an activity, or without times.
    """
    found: dict[str, list[Message]] = {"file_id": [], "session": [], "record": [], "activity": []}
    check_fit_crc(content)
    try:
        with _reader(content) as reader:
            for frame in reader:
                if isinstance(frame, fitdecode.FitDataMessage) and frame.name in found:
                    found[frame.name].append(_values(frame))
                    if len(found["record"]) > POINTS_MAX:
                        raise InvalidFileError("The file has too many points.")
    except PARSER_ERRORS as exc:
        raise InvalidFileError("Error reading FIT file.") from exc
    return _assemble(found)


def _values(frame: fitdecode.FitDataMessage) -> Message:
    """Of fields with one name the first counts, as in the decoder."""
    return {field.name: field.value for field in reversed(frame.fields)}


def _reader(content: bytes) -> fitdecode.FitReader:
    """Like the real service, forgives odd fields of odd devices; checksums and times are not left to the reader."""
    return fitdecode.FitReader(
        io.BytesIO(content),
        processor=None,
        check_crc=fitdecode.CrcCheck.DISABLED,
        error_handling=fitdecode.ErrorHandling.IGNORE,
    )


def _assemble(found: dict[str, list[Message]]) -> Track:
    times = [time for message in found["record"] if (time := _time(message, "timestamp")) is not None]
    session_starts = [time for session in found["session"] if (time := _time(session, "start_time")) is not None]
    if not session_starts and not times:
        raise InvalidFileError("Time information is missing from file.")
    start = min(session_starts or times)
    points = _points(found["record"], start)
    sessions = found["session"]
    span_s = points[-1].offset_s if points else 0
    elapsed_s = round(_total(sessions, "total_elapsed_time")) or span_s
    return Track(
        sport=_text(sessions[0], "sport", "generic") if len(sessions) == 1 else "generic",
        sub_sport=_text(sessions[0], "sub_sport", "generic") if len(sessions) == 1 else "generic",
        start=start,
        elapsed_s=elapsed_s,
        moving_s=min(round(_total(sessions, "total_timer_time")) or elapsed_s, elapsed_s),
        distance_m=round(_total(sessions, "total_distance") or _length(points), 1),
        points=points,
        ascent_m=_total(sessions, "total_ascent"),
        calories=_total(sessions, "total_calories"),
        utc_offset_s=_utc_offset(found["activity"]),
        device_name=_device(found["file_id"]),
    )


def _points(records: list[Message], start: datetime) -> tuple[TrackPoint, ...]:
    points = []
    for record in records:
        time = _time(record, "timestamp")
        if time is None or time < start:
            continue
        points.append(_point(record, int((time - start).total_seconds())))
    return tuple(sorted(points, key=lambda point: point.offset_s))


def _point(record: Message, offset_s: int) -> TrackPoint:
    return TrackPoint(
        offset_s=offset_s,
        latitude=_degrees(record, "position_lat"),
        longitude=_degrees(record, "position_long"),
        altitude_m=_number(record, "enhanced_altitude", "altitude"),
        distance_m=_number(record, "distance"),
        speed_mps=_number(record, "enhanced_speed", "speed"),
        heart_rate_bpm=_whole(record, "heart_rate"),
        cadence_rpm=_whole(record, "cadence"),
        power_w=_whole(record, "power"),
        temperature_c=_whole(record, "temperature"),
    )


def _length(points: tuple[TrackPoint, ...]) -> float:
    measured = [point.distance_m for point in points if point.distance_m is not None]
    return measured[-1] if measured else travelled(points)


def _utc_offset(activities: list[Message]) -> int | None:
    for activity in activities:
        local, utc = _number(activity, "local_timestamp"), _number(activity, "timestamp")
        if local is not None and utc is not None:
            return round(local - utc) if abs(local - utc) <= OFFSET_SECONDS_MAX else None
    return None


def _device(file_ids: list[Message]) -> str:
    if not file_ids:
        return ""
    maker = _text(file_ids[0], "manufacturer", "")
    product = _text(file_ids[0], "garmin_product", "") or _text(file_ids[0], "product_name", "")
    return " ".join(part.replace("_", " ").title() for part in (maker, product) if part)


def _time(message: Message, name: str) -> datetime | None:
    value = message.get(name)
    if not isinstance(value, int) or value < ABSOLUTE_TIME_MIN:
        return None
    return datetime.fromtimestamp(value + FIT_EPOCH_S, tz=UTC)


def _number(message: Message, *names: str) -> float | None:
    for name in names:
        value = message.get(name)
        if isinstance(value, int | float):
            return float(value)
    return None


def _whole(message: Message, name: str) -> int | None:
    value = _number(message, name)
    return None if value is None else round(value)


def _degrees(message: Message, name: str) -> float | None:
    value = _number(message, name)
    return None if value is None else round(value * DEGREES_PER_SEMICIRCLE, 6)


def _text(message: Message, name: str, fallback: str) -> str:
    value = message.get(name)
    return value if isinstance(value, str) else fallback


def _total(messages: list[Message], name: str) -> float:
    return sum(_number(message, name) or 0.0 for message in messages)
