"""Makes a clean track of the records of a recording: in time order, near the workout, cut where the athlete paused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncwell.api.record.v1.record_pb2 import Point, PointSegment
from syncwell.providers.files.fit_messages import FitMessage, TrackRecord
from syncwell.providers.files.fit_protocol import EventCode, EventType

POINTS_PER_SEGMENT_MAX = 1_000

_STRAY_SECONDS = 2 * 24 * 3600
"""A record further than this from its workout has a broken clock; drift and time zones stay below."""

_LONGEST_RECORDING_SECONDS = 7 * 24 * 3600
"""Where no session tells how long the workout was, records further than this from the middle one are strays."""

_STOPS = frozenset({EventType.STOP, EventType.STOP_ALL, EventType.STOP_DISABLE, EventType.STOP_DISABLE_ALL})


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """FIT seconds, both ends included."""

    start_seconds: int
    end_seconds: int

    def widened(self, seconds: int) -> TimeSpan:
        """Returns the span with `seconds` more at both ends."""
        return TimeSpan(self.start_seconds - seconds, self.end_seconds + seconds)

    def holds(self, seconds: int) -> bool:
        """Tells whether the moment lies within."""
        return self.start_seconds <= seconds <= self.end_seconds


def is_stray(seconds: int, workout: TimeSpan) -> bool:
    """Tells whether the moment is too far from the workout to belong to it."""
    return not workout.widened(_STRAY_SECONDS).holds(seconds)


def is_far_from(records: Sequence[TrackRecord], workout: TimeSpan) -> bool:
    """Tells whether the middle record is nowhere near the time that the session claims."""
    return bool(records) and is_stray(_middle_seconds(records), workout)


def clean_records(records: Sequence[TrackRecord], workout: TimeSpan | None) -> list[TrackRecord]:
    """Returns the records near the workout whose time does not run backwards."""
    if not records:
        return []
    if workout is None:
        middle = _middle_seconds(records)
        allowed = TimeSpan(middle, middle).widened(_LONGEST_RECORDING_SECONDS)
    else:
        allowed = workout.widened(_STRAY_SECONDS)
    kept: list[TrackRecord] = []
    latest = allowed.start_seconds
    for record in records:
        if latest <= record.seconds <= allowed.end_seconds:
            kept.append(record)
            latest = record.seconds
    return kept


def find_resumptions(events: Iterable[FitMessage]) -> list[int]:
    """Returns when the timer started again after a stop, FIT seconds in order; stops of no length do not count."""
    resumptions: list[int] = []
    stopped: int | None = None
    for event in events:
        seconds = event.time("timestamp")
        if event.codes.get("event") != EventCode.TIMER or seconds is None:
            continue
        event_type = event.codes.get("event_type")
        if event_type in _STOPS:
            stopped = seconds if stopped is None else stopped
        elif event_type == EventType.START:
            if stopped is not None and seconds > stopped:
                resumptions.append(seconds)
            stopped = None
    return sorted(resumptions)


def build_segments(
    records: Sequence[TrackRecord], resumptions: Sequence[int], *, start_seconds: int
) -> list[PointSegment]:
    """Returns the points in segments of at most 1,000, a new one after each pause."""
    segments: list[PointSegment] = []
    next_resumption = 0
    for record in records:
        has_paused = False
        while next_resumption < len(resumptions) and record.seconds >= resumptions[next_resumption]:
            has_paused = bool(segments)
            next_resumption += 1
        if has_paused or not segments or len(segments[-1].points) == POINTS_PER_SEGMENT_MAX:
            segments.append(PointSegment(follows_pause=has_paused))
        segments[-1].points.append(_to_point(record, start_seconds))
    return segments


def _middle_seconds(records: Sequence[TrackRecord]) -> int:
    return sorted(record.seconds for record in records)[len(records) // 2]


def _to_point(record: TrackRecord, start_seconds: int) -> Point:
    return Point(
        offset_ms=(record.seconds - start_seconds) * 1000,
        latitude_e7=record.latitude_e7,
        longitude_e7=record.longitude_e7,
        altitude_cm=record.altitude_cm,
        distance_cm=record.distance_cm,
        speed_mm_s=record.speed_mm_s,
        heart_rate_bpm=record.heart_rate_bpm,
        cadence_rpm=record.cadence_rpm,
        power_w=record.power_w,
        temperature_c=record.temperature_c,
    )
