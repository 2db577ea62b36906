"""Cuts workouts out of recordings: new workouts whose every sample was measured by a real device."""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point, PointSegment

POINTS_MIN = 20


def cut(workout: CanonicalWorkout, begin: timedelta, end: timedelta, *, moved_to: datetime) -> CanonicalWorkout | None:
    """Returns the stretch from `begin` to `end` of `workout` as a workout that starts at `moved_to`.

    Returns None where fewer than 20 points fall into the stretch.
    """
    begin_ms, end_ms = begin // timedelta(milliseconds=1), end // timedelta(milliseconds=1)
    segments = [_cut_segment(segment, begin_ms, end_ms) for segment in workout.segments]
    segments = [segment for segment in segments if segment.points]
    points = [point for segment in segments for point in segment.points]
    if len(points) < POINTS_MIN:
        return None
    _rebase(points)
    elapsed_ms = points[-1].offset_ms - points[0].offset_ms
    part = CanonicalWorkout(
        sport=workout.sport,
        elapsed_ms=elapsed_ms,
        moving_ms=elapsed_ms,
        title=workout.title,
        is_indoor=workout.is_indoor,
        segments=segments,
    )
    part.start_time.CopyFrom(_timestamp(moved_to))
    part.provenance.CopyFrom(workout.provenance)
    if points[-1].HasField("distance_cm"):
        part.distance_m = points[-1].distance_cm / 100
    return part


def _cut_segment(segment: PointSegment, begin_ms: int, end_ms: int) -> PointSegment:
    inside = [point for point in segment.points if begin_ms <= point.offset_ms < end_ms]
    return PointSegment(points=inside, follows_pause=segment.follows_pause)


def _rebase(points: list[Point]) -> None:
    first_ms = points[0].offset_ms
    first_cm = next((point.distance_cm for point in points if point.HasField("distance_cm")), 0)
    for point in points:
        point.offset_ms -= first_ms
        if point.HasField("distance_cm"):
            point.distance_cm = max(0, point.distance_cm - first_cm)


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
