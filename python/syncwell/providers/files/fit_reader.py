"""Reads FIT files into canonical workouts.

One recording is one workout. Several sessions in one recording (a triathlon) become one workout, `MULTISPORT` where
they differ in sport, with a lap for each leg: the services that people sync to take it as one activity, and a race is
one effort. Chained recordings become several workouts. What the session does not say is taken from the records, and
nothing is guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap, Provenance
from syncwell.domain.errors import InvalidFileError
from syncwell.domain.records import Sport
from syncwell.providers.files import fit_protocol as fit
from syncwell.providers.files import fit_track
from syncwell.providers.files.fit_messages import FitMessage, FitMessages, TrackRecord, decode_fit_parts
from syncwell.providers.files.fit_parts import split_fit_parts
from syncwell.providers.files.fit_protocol import MessageNumber
from syncwell.providers.files.fit_sports import FitSport, is_indoor_fit, sport_from_fit

PROVIDER = "files"

_UTC_OFFSET_SECONDS_MAX = 14 * 3600
_UTC_OFFSET_STEP_SECONDS = 15 * 60
_HEART_RATE_MAX = 254


@dataclass(frozen=True, slots=True)
class FitReading:
    """What a FIT file holds. `dropped_point_count` counts records without a usable time, over all workouts."""

    workouts: tuple[CanonicalWorkout, ...]
    dropped_point_count: int


def read_fit(data: bytes) -> tuple[CanonicalWorkout, ...]:
    """Returns the workouts of a FIT file (plain or gzipped), at least one, in file order.

    `provenance.record_id` is derived from the content; a caller with a better name replaces it.

    Raises:
        InvalidFileError: the file is damaged, too large, no FIT file, or holds no activity with a time.
    """
    return inspect_fit(data).workouts


def inspect_fit(data: bytes) -> FitReading:
    """Reads like `read_fit` and also tells what had to be left out.

    Raises:
        InvalidFileError: as `read_fit`.
    """
    activities = [found for found in decode_fit_parts(split_fit_parts(data)) if _is_activity(found)]
    if not activities:
        raise InvalidFileError("The FIT file holds no activity (but settings, a course, a plan). Export the activity.")
    digest = hashlib.sha256(data).hexdigest()[:32]
    workouts: list[CanonicalWorkout] = []
    dropped_count = 0
    for index, messages in enumerate(activities):
        workout, dropped = _read_workout(messages)
        workout.provenance.record_id = digest if index == 0 else f"{digest}-{index + 1}"
        workouts.append(workout)
        dropped_count += dropped
    return FitReading(tuple(workouts), dropped_count)


def _is_activity(messages: FitMessages) -> bool:
    file_id = messages.first(MessageNumber.FILE_ID)
    file_type = file_id.codes.get("type") if file_id else None
    if file_type is None:
        return bool(messages.by_number[MessageNumber.SESSION] or messages.records)
    return file_type == fit.FILE_TYPE_ACTIVITY


def _read_workout(messages: FitMessages) -> tuple[CanonicalWorkout, int]:
    """Returns the workout and how many records were dropped."""
    sessions = _timed(messages.by_number[MessageNumber.SESSION])
    span = _session_span(sessions)
    if span and fit_track.is_far_from(messages.records, span):
        # The session's clock was wrong: its sums still hold, its time does not.
        span = None
    records = fit_track.clean_records(messages.records, span)
    start_seconds = _start_seconds(span, records)
    resumptions = fit_track.find_resumptions(messages.by_number[MessageNumber.EVENT])
    workout = CanonicalWorkout(
        provenance=_provenance(messages),
        start_time=_timestamp(start_seconds),
        segments=fit_track.build_segments(records, resumptions, start_seconds=start_seconds),
    )
    _set_sport(workout, messages)
    _set_sums(workout, messages.by_number[MessageNumber.SESSION], sessions, records)
    _set_utc_offset(workout, messages)
    span = fit_track.TimeSpan(start_seconds, start_seconds + workout.elapsed_ms // 1000)
    workout.laps.extend(_laps(sessions, messages.by_number[MessageNumber.LAP], span))
    return workout, len(messages.records) - len(records) + messages.timeless_count


def _timed(messages: Iterable[FitMessage]) -> list[FitMessage]:
    """Returns the messages that say when they began, in time order."""
    return sorted((m for m in messages if _begin(m) is not None), key=lambda m: _begin(m) or 0)


def _begin(message: FitMessage) -> int | None:
    return message.time("start_time")


def _end_ms(message: FitMessage) -> int:
    """Returns when a timed session or lap ended, milliseconds since the FIT epoch."""
    return (_begin(message) or 0) * 1000 + (_milliseconds(message, "total_elapsed_time") or 0)


def _session_span(sessions: Sequence[FitMessage]) -> fit_track.TimeSpan | None:
    if not sessions:
        return None
    return fit_track.TimeSpan(_begin(sessions[0]) or 0, max(_end_ms(session) for session in sessions) // 1000)


def _start_seconds(span: fit_track.TimeSpan | None, records: Sequence[TrackRecord]) -> int:
    if span is not None:
        return span.start_seconds
    if len(records) < 2 or records[0].seconds == records[-1].seconds:
        raise InvalidFileError("The FIT file does not say when the activity took place. Set the device's clock.")
    return records[0].seconds


def _set_sums(
    workout: CanonicalWorkout,
    all_sessions: Sequence[FitMessage],
    timed_sessions: Sequence[FitMessage],
    records: Sequence[TrackRecord],
) -> None:
    sessions = timed_sessions or all_sessions
    moving_ms = _sum(_milliseconds(session, "total_timer_time") for session in sessions)
    if moving_ms is not None:
        workout.moving_ms = round(moving_ms)
    # A device that counts less wall time than timer time is wrong about the wall time.
    workout.elapsed_ms = max(_elapsed_ms(sessions, records), workout.moving_ms)
    distance_m = _sum(session.number("total_distance") for session in sessions)
    if distance_m is None and records and records[-1].distance_cm is not None:
        distance_m = records[-1].distance_cm / 100
    if distance_m is not None and distance_m >= 0:
        workout.distance_m = round(distance_m, 2)
    energy_kcal = _sum(session.number("total_calories") for session in sessions)
    if energy_kcal is not None:
        workout.energy_kcal = energy_kcal
    climb_m = _sum(session.number("total_ascent") for session in sessions)
    if climb_m is not None:
        workout.elevation_gain_m = climb_m
    _set_heart_rate(workout, sessions, records)


def _elapsed_ms(sessions: Sequence[FitMessage], records: Sequence[TrackRecord]) -> int:
    is_told = any(session.number("total_elapsed_time") is not None for session in sessions)
    if is_told and _begin(sessions[0]) is not None:
        return max(_end_ms(session) for session in sessions) - (_begin(sessions[0]) or 0) * 1000
    if is_told:
        return round(_sum(_milliseconds(session, "total_elapsed_time") for session in sessions) or 0)
    return (records[-1].seconds - records[0].seconds) * 1000 if records else 0


def _set_heart_rate(workout: CanonicalWorkout, sessions: Sequence[FitMessage], records: Sequence[TrackRecord]) -> None:
    """Takes mean and peak from the sessions (the mean weighted by time), or from the records where there is none."""
    if sessions:
        means = [(s.number("avg_heart_rate"), s.number("total_timer_time") or 1.0) for s in sessions]
        known = [(rate, weight) for rate, weight in means if rate]
        peaks = [s.number("max_heart_rate") or 0.0 for s in sessions]
    else:
        known = [(float(r.heart_rate_bpm), 1.0) for r in records if r.heart_rate_bpm]
        peaks = [rate for rate, _ in known]
    total_weight = sum(weight for _, weight in known)
    mean = round(sum(rate * weight for rate, weight in known) / total_weight) if total_weight > 0 else 0
    if 0 < mean <= _HEART_RATE_MAX:
        workout.average_heart_rate_bpm = mean
    peak = round(max(peaks, default=0.0))
    if 0 < peak <= _HEART_RATE_MAX:
        workout.max_heart_rate_bpm = peak


def _laps(sessions: Sequence[FitMessage], laps: Sequence[FitMessage], workout: fit_track.TimeSpan) -> list[Lap]:
    """Returns one lap for each leg of several sessions, otherwise the laps as recorded; strays are left out."""
    if len(sessions) > 1:
        found = [_lap(session, sport=sport_from_fit(_pair(session))) for session in sessions]
    else:
        found = [_lap(lap) for lap in _timed(laps)]
    return [lap for lap in found if not fit_track.is_stray(lap.start_time.seconds - fit.EPOCH_UNIX_SECONDS, workout)]


def _lap(message: FitMessage, *, sport: Sport | None = None) -> Lap:
    distance_m = message.number("total_distance")
    return Lap(
        start_time=_timestamp(_begin(message) or 0),
        elapsed_ms=_milliseconds(message, "total_elapsed_time") or _milliseconds(message, "total_timer_time") or 0,
        distance_m=distance_m if distance_m is not None and distance_m >= 0 else None,
        sport=_to_proto(sport) if sport else record_pb2.SPORT_UNSPECIFIED,
    )


def _set_sport(workout: CanonicalWorkout, messages: FitMessages) -> None:
    tellers = messages.by_number[MessageNumber.SESSION] or messages.by_number[MessageNumber.SPORT][:1]
    pairs = [_pair(message) for message in tellers] or [FitSport(0)]
    sports = {sport_from_fit(pair) for pair in pairs}
    workout.sport = _to_proto(sports.pop() if len(sports) == 1 else Sport.MULTISPORT)
    workout.is_indoor = all(is_indoor_fit(pair) for pair in pairs)
    workout.provenance.native_type = "+".join(dict.fromkeys(_native_type(message) for message in tellers))


def _pair(message: FitMessage) -> FitSport:
    return FitSport(message.codes.get("sport", 0), message.codes.get("sub_sport", 0))


def _native_type(message: FitMessage) -> str:
    sport, sub_sport = message.text("sport") or "generic", message.text("sub_sport")
    return f"{sport}/{sub_sport}" if sub_sport not in ("", "generic") else sport


def _provenance(messages: FitMessages) -> Provenance:
    file_id = messages.first(MessageNumber.FILE_ID)
    return Provenance(provider=PROVIDER, device_name=_device_name(file_id) if file_id else "")


def _device_name(file_id: FitMessage) -> str:
    """Returns the product's own name, else maker and product as the protocol names them."""
    if file_id.text("product_name"):
        return file_id.text("product_name")
    if file_id.codes.get("manufacturer") == fit.MANUFACTURER_DEVELOPMENT:
        return ""
    return f"{file_id.text('manufacturer')} {file_id.text('product')}".strip()


def _set_utc_offset(workout: CanonicalWorkout, messages: FitMessages) -> None:
    """Sets the offset where the device's local time makes sense; many write nonsense there."""
    activity = messages.first(MessageNumber.ACTIVITY)
    if activity is None:
        return
    utc, local = activity.time("timestamp"), activity.time("local_timestamp")
    if utc is None or local is None:
        return
    offset = local - utc
    if abs(offset) <= _UTC_OFFSET_SECONDS_MAX and offset % _UTC_OFFSET_STEP_SECONDS == 0:
        workout.utc_offset_s = offset


def _milliseconds(message: FitMessage, name: str) -> int | None:
    seconds = message.number(name)
    return round(seconds * 1000) if seconds is not None and seconds >= 0 else None


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _timestamp(fit_seconds: int) -> Timestamp:
    return Timestamp(seconds=fit_seconds + fit.EPOCH_UNIX_SECONDS)


def _to_proto(sport: Sport) -> record_pb2.Sport.ValueType:
    return record_pb2.Sport.ValueType(sport)
