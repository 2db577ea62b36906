"""Strava's streams as points."""

from __future__ import annotations

from collections.abc import Sequence

from syncwell.api.record.v1.record_pb2 import Point, PointSegment
from syncwell.providers.strava.payloads import NumberStream, Streams

SEGMENT_POINTS_MAX = 1_000
# Recorders that save points sparsely leave up to ten seconds between two; half a minute is a pause.
PAUSE_GAP_MS = 30_000
UINT32_MAX = 2**32 - 1
SINT32_MAX = 2**31 - 1


def segments_of(streams: Streams) -> list[PointSegment]:
    """Returns the track in runs of at most 1,000 points, split at pauses; empty without a time stream."""
    segments: list[PointSegment] = []
    previous_ms: int | None = None
    for point in points_of(streams):
        is_pause = previous_ms is not None and point.offset_ms - previous_ms >= PAUSE_GAP_MS
        if not segments or is_pause or len(segments[-1].points) >= SEGMENT_POINTS_MAX:
            segments.append(PointSegment(follows_pause=is_pause))
        segments[-1].points.append(point)
        previous_ms = point.offset_ms
    return segments


def points_of(streams: Streams) -> list[Point]:
    """Returns one point for each time sample, in time order."""
    times = streams.time.data if streams.time else []
    count = len(times)
    places = streams.latlng.data if streams.latlng and len(streams.latlng.data) == count else [None] * count
    altitudes = column(streams.altitude, count, 100, -SINT32_MAX, SINT32_MAX)
    distances = column(streams.distance, count, 100, 0, UINT32_MAX)
    speeds = column(streams.velocity_smooth, count, 1000, 0, UINT32_MAX)
    hearts = column(streams.heartrate, count, 1, 1, 1000)
    cadences = column(streams.cadence, count, 1, 0, 10_000)
    powers = column(streams.watts, count, 1, 0, 100_000)
    temperatures = column(streams.temp, count, 1, -273, 1000)
    points: list[Point] = []
    for index, time in enumerate(times):
        if time is None:
            continue
        place = places[index]
        is_placed = place is not None and abs(place[0]) <= 90 and abs(place[1]) <= 180
        points.append(
            Point(
                offset_ms=round(time * 1000),
                latitude_e7=round(place[0] * 1e7) if place is not None and is_placed else None,
                longitude_e7=round(place[1] * 1e7) if place is not None and is_placed else None,
                altitude_cm=altitudes[index],
                distance_cm=distances[index],
                speed_mm_s=speeds[index],
                heart_rate_bpm=hearts[index],
                cadence_rpm=cadences[index],
                power_w=powers[index],
                temperature_c=temperatures[index],
            )
        )
    points.sort(key=lambda point: point.offset_ms)
    return points


def column(stream: NumberStream | None, count: int, factor: int, low: int, high: int) -> Sequence[int | None]:
    """Returns a stream in our unit, sample by sample; None where absent, and throughout when lengths disagree."""
    if stream is None or len(stream.data) != count:
        return [None] * count
    scaled = (None if value is None else round(value * factor) for value in stream.data)
    return [value if value is not None and low <= value <= high else None for value in scaled]
