"""Writes canonical workouts as TCX: one activity, its laps, a track for each stretch between pauses.

TCX knows three sports (running, biking, other) and no title, local time, climb or temperature: these are lost. The same
workout always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point
from syncwell.domain.records import Sport
from syncwell.providers.files.point_values import (
    ALTITUDE,
    DISTANCE,
    HEART_RATE,
    POWER,
    SPEED,
    decimal_text,
    degrees_text,
    has_position,
)
from syncwell.providers.files.tcx_laps import WrittenLap, split_laps
from syncwell.providers.files.written_times import check_written_times, start_ms_of
from syncwell.providers.files.xml_writer import HEADER, element, encode_lines, escaped, time_text

_ROOT = (
    '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"'
    ' xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
)
_RUNS = frozenset({Sport.RUN, Sport.TRAIL_RUN, Sport.TREADMILL_RUN})
_RIDES = frozenset({Sport.RIDE, Sport.MTB_RIDE, Sport.GRAVEL_RIDE, Sport.EBIKE_RIDE, Sport.INDOOR_RIDE})
_CADENCE_MAX = 254
"""The schema's elements for cadence hold a byte."""


def write_tcx(workout: CanonicalWorkout) -> bytes:
    """Returns `workout` as a TCX file. A workout without points gets a bare one at its start and its end.

    Raises:
        InvalidInputError: TCX cannot say it: its sport is unspecified, it took place before 1990 or after 2126, or
            lasted above 50 days.
    """
    check_written_times(workout)
    return encode_lines(_lines(workout))


def tcx_sport(sport: Sport) -> Sport:
    """Returns the sport that is left of `sport` in TCX."""
    if sport in _RUNS:
        return Sport.RUN
    return Sport.RIDE if sport in _RIDES else Sport.OTHER


_SPORT_NAMES = {Sport.RUN: "Running", Sport.RIDE: "Biking", Sport.OTHER: "Other"}


def _lines(workout: CanonicalWorkout) -> Iterator[str]:
    start_ms = start_ms_of(workout)
    is_run = tcx_sport(Sport(workout.sport)) is Sport.RUN
    yield HEADER
    yield _ROOT
    yield " <Activities>"
    yield f'  <Activity Sport="{_SPORT_NAMES[tcx_sport(Sport(workout.sport))]}">'
    yield "   " + element("Id", time_text(start_ms))
    for lap in split_laps(workout):
        yield from _lap(lap)
        for track in lap.tracks:
            yield "    <Track>"
            for point in track:
                yield _trackpoint(point, start_ms, is_run=is_run)
            yield "    </Track>"
        yield "   </Lap>"
    if workout.notes:
        yield "   " + element("Notes", escaped(workout.notes))
    yield from _creator(workout)
    yield "  </Activity>"
    yield " </Activities>"
    yield "</TrainingCenterDatabase>"


def _lap(lap: WrittenLap) -> Iterator[str]:
    yield f'   <Lap StartTime="{time_text(lap.start_ms)}">'
    yield "    " + element("TotalTimeSeconds", decimal_text(lap.timer_ms, 1000))
    yield "    " + element("DistanceMeters", decimal_text(max(0, round(lap.distance_m * 100)), 100))
    yield "    " + element("Calories", str(lap.energy_kcal))
    if lap.mean_heart_rate_bpm:
        yield "    " + _heart_rate("AverageHeartRateBpm", lap.mean_heart_rate_bpm)
    if lap.peak_heart_rate_bpm:
        yield "    " + _heart_rate("MaximumHeartRateBpm", lap.peak_heart_rate_bpm)
    yield "    " + element("Intensity", "Active")
    yield "    " + element("TriggerMethod", "Manual")


def _heart_rate(name: str, beats: int) -> str:
    return element(name, element("Value", str(beats)))


def _trackpoint(point: Point, start_ms: int, *, is_run: bool) -> str:
    cadence = point.cadence_rpm if point.HasField("cadence_rpm") and point.cadence_rpm <= _CADENCE_MAX else None
    parts = [
        element("Time", time_text(start_ms + point.offset_ms)),
        _position(point),
        _optional("AltitudeMeters", ALTITUDE.write(point)),
        _optional("DistanceMeters", DISTANCE.write(point)),
        _heart_rate("HeartRateBpm", point.heart_rate_bpm) if HEART_RATE.write(point) else "",
        _optional("Cadence", str(cadence) if cadence is not None and not is_run else None),
        _extensions(point, run_cadence=str(cadence) if cadence is not None and is_run else None),
    ]
    return "     " + element("Trackpoint", "".join(parts))


def _position(point: Point) -> str:
    if not has_position(point):
        return ""
    latitude = element("LatitudeDegrees", degrees_text(point.latitude_e7))
    return element("Position", latitude + element("LongitudeDegrees", degrees_text(point.longitude_e7)))


def _extensions(point: Point, *, run_cadence: str | None) -> str:
    content = "".join(
        (
            _optional("ns3:Speed", SPEED.write(point)),
            _optional("ns3:RunCadence", run_cadence),
            _optional("ns3:Watts", POWER.write(point)),
        )
    )
    return element("Extensions", element("ns3:TPX", content)) if content else ""


def _optional(name: str, text: str | None) -> str:
    return element(name, text) if text is not None else ""


def _creator(workout: CanonicalWorkout) -> Iterator[str]:
    """Names the device; the schema demands numbers that we do not know, so they are zero."""
    if not workout.provenance.device_name:
        return
    version: Sequence[str] = (element("VersionMajor", "0"), element("VersionMinor", "0"))
    yield '   <Creator xsi:type="Device_t">'
    yield "    " + element("Name", escaped(workout.provenance.device_name))
    yield "    " + element("UnitId", "0") + element("ProductID", "0") + element("Version", "".join(version))
    yield "   </Creator>"
