"""Writes canonical workouts as GPX 1.1: one track, a segment for each stretch between pauses.

GPX has positions and times and little else. Points without a position cannot be said and are left out; sums, laps and
local time are lost. Heart rate, cadence, temperature and speed go into Garmin's TrackPointExtension, power beside it,
where other programs look for them. The same workout always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import Sport
from syncwell.providers.files.point_values import (
    ALTITUDE,
    CADENCE,
    HEART_RATE,
    POWER,
    SPEED,
    TEMPERATURE,
    degrees_text,
    has_position,
)
from syncwell.providers.files.sport_words import sport_to_word
from syncwell.providers.files.written_times import check_written_times, start_ms_of
from syncwell.providers.files.xml_writer import HEADER, element, encode_lines, escaped, time_text

_ROOT = (
    '<gpx version="1.1" creator="SyncWell" xmlns="http://www.topografix.com/GPX/1/1"'
    ' xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">'
)

# In the order that the schema of the extension demands.
_EXTENSIONS = (
    ("gpxtpx:atemp", TEMPERATURE),
    ("gpxtpx:hr", HEART_RATE),
    ("gpxtpx:cad", CADENCE),
    ("gpxtpx:speed", SPEED),
)


def write_gpx(workout: CanonicalWorkout) -> bytes:
    """Returns the track of `workout` as a GPX file.

    Raises:
        InvalidInputError: GPX cannot say it: it has no two positions at different times, its sport is unspecified, or
            it took place before 1990 or after 2126.
    """
    check_written_times(workout)
    placed = sum(has_position(point) for segment in workout.segments for point in segment.points)
    if placed < 2:
        raise InvalidInputError(
            "A workout without positions cannot be written as GPX. Use FIT or TCX.", field="segments"
        )
    return encode_lines(_lines(workout))


def _lines(workout: CanonicalWorkout) -> Iterator[str]:
    yield HEADER
    yield _ROOT
    yield " <metadata>" + element("time", time_text(start_ms_of(workout))) + "</metadata>"
    yield " <trk>"
    if workout.title:
        yield "  " + element("name", escaped(workout.title))
    if workout.notes:
        yield "  " + element("desc", escaped(workout.notes))
    yield "  " + element("type", sport_to_word(Sport(workout.sport)))
    yield from _segments(workout)
    yield " </trk>"
    yield "</gpx>"


def _segments(workout: CanonicalWorkout) -> Iterator[str]:
    """Yields the stretches between pauses; segments that only bound the size of a piece are joined again."""
    start_ms = start_ms_of(workout)
    is_open = False
    for segment in workout.segments:
        if segment.follows_pause and is_open:
            yield "  </trkseg>"
            is_open = False
        for point in filter(has_position, segment.points):
            if not is_open:
                yield "  <trkseg>"
                is_open = True
            yield _point(point, start_ms)
    if is_open:
        yield "  </trkseg>"


def _point(point: Point, start_ms: int) -> str:
    latitude, longitude = degrees_text(point.latitude_e7), degrees_text(point.longitude_e7)
    altitude = ALTITUDE.write(point)
    return "".join(
        (
            f'   <trkpt lat="{latitude}" lon="{longitude}">',
            element("ele", altitude) if altitude else "",
            element("time", time_text(start_ms + point.offset_ms)),
            _extensions(point),
            "</trkpt>",
        )
    )


def _extensions(point: Point) -> str:
    written = [(name, value.write(point)) for name, value in _EXTENSIONS]
    inner = "".join(element(name, text) for name, text in written if text is not None)
    power = POWER.write(point)
    content = element("power", power) if power is not None else ""
    if inner:
        content += element("gpxtpx:TrackPointExtension", inner)
    return element("extensions", content) if content else ""
