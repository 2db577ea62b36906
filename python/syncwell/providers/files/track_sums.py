"""What the points of a track say about the whole, for formats that say nothing themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point
from syncwell.providers.files.recorded_track import OrderlyTrack

_EARTH_RADIUS_M = 6_371_008.8
_RADIANS_PER_E7 = math.pi / (180 * 10**7)


def set_heart_rate(workout: CanonicalWorkout, points: Iterable[Point]) -> None:
    """Sets mean and peak where any point has a heart rate."""
    rates = [point.heart_rate_bpm for point in points if point.heart_rate_bpm]
    if rates:
        workout.average_heart_rate_bpm = round(sum(rates) / len(rates))
        workout.max_heart_rate_bpm = max(rates)


def covered_distance_m(track: OrderlyTrack) -> float | None:
    """Returns the device's own distance at the end, else the way over the ground; pauses bridge no distance.

    None where the track has neither distances nor two positions.
    """
    told = [point.distance_cm for point in track.points if point.HasField("distance_cm")]
    if told:
        return max(told) / 100
    return _ground_distance_m(track.points, track.pieces)


def _ground_distance_m(points: Sequence[Point], pieces: Sequence[int]) -> float | None:
    total_m: float | None = None
    last: tuple[float, float] | None = None
    last_piece = -1
    for point, piece in zip(points, pieces, strict=True):
        if not point.HasField("latitude_e7"):
            continue
        position = point.latitude_e7 * _RADIANS_PER_E7, point.longitude_e7 * _RADIANS_PER_E7
        if last is not None and piece == last_piece:
            total_m = (total_m or 0.0) + _great_circle_m(last, position)
        last, last_piece = position, piece
    return None if total_m is None else round(total_m, 2)


def _great_circle_m(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Returns the distance of two positions in radians, by the haversine formula."""
    half_height = math.sin((end[0] - start[0]) / 2)
    half_width = math.sin((end[1] - start[1]) / 2)
    chord = half_height * half_height + math.cos(start[0]) * math.cos(end[0]) * half_width * half_width
    return 2 * _EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))
