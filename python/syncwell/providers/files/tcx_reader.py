"""Reads TCX into canonical workouts.

Each `Activity` is one workout, also within a multi-sport session: devices write unrelated activities there as well. A
second `Track` within a lap is a pause. Sums come from the laps; `TotalTimeSeconds` is the time on the timer. The schema
demands calories and a distance in every lap, so zero means that nobody measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncwell.api.record.v1.record_pb2 import Point
from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files.activity_reading import ActivityReading
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.point_values import (
    ALTITUDE,
    CADENCE,
    DISTANCE,
    HEART_RATE,
    POWER,
    SPEED,
    set_position,
)
from syncwell.providers.files.recorded_track import PointBudget
from syncwell.providers.files.tcx_activity import TcxActivity, TcxLap
from syncwell.providers.files.xml_values import parse_number, parse_time_ms

ROOT = "TrainingCenterDatabase"
ACTIVITY_COUNT_MAX = 1_000
LAP_COUNT_MAX = 20_000


@dataclass(slots=True)
class _Trackpoint:
    point: Point = field(default_factory=Point)
    time_text: str = ""
    latitude: str = ""
    longitude: str = ""


class TcxSink:
    """Takes the elements of a TCX document; `finish` gives what they said."""

    def __init__(self) -> None:
        self._activities: list[TcxActivity] = []
        self._budget = PointBudget()
        self._lap_count = 0
        self._trackpoint: _Trackpoint | None = None
        self._has_course = False

    def on_start(self, name: str, parent: str, attributes: Mapping[str, str]) -> None:
        """Opens activities, laps, tracks and points."""
        if name == "Activity":
            if len(self._activities) == ACTIVITY_COUNT_MAX:
                raise InvalidFileError(f"The TCX file holds more than {ACTIVITY_COUNT_MAX:,} activities. Split it.")
            self._activities.append(TcxActivity(attributes.get("Sport", ""), self._budget))
        elif name == "Course":
            self._has_course = True
        elif not self._activities or self._has_course:
            return
        elif name == "Trackpoint" and parent == "Track":
            self._trackpoint = _Trackpoint()
        elif name == "Track" and parent == "Lap":
            self._activities[-1].open_track()
        elif name == "Lap" and parent == "Activity":
            self._open_lap(attributes.get("StartTime", ""))

    def on_end(self, name: str, parent: str, text: str) -> None:
        """Takes the values of points, laps and activities."""
        if not self._activities or self._has_course:
            return
        if self._trackpoint is not None:
            self._take_point_value(self._trackpoint, name, parent, text)
            return
        activity = self._activities[-1]
        if parent in _ACTIVITY_TEXTS and name == _ACTIVITY_TEXTS[parent]:
            activity.texts.setdefault(name, text)
        elif parent == "Activity" and name == "Id":
            activity.id_text = text
        elif activity.laps:
            _take_lap_value(activity.laps[-1], name, parent, text)

    def finish(self) -> ActivityReading:
        """Returns the workouts.

        Raises:
            InvalidFileError: no activity tells when it took place.
        """
        if not self._activities:
            what = "a course" if self._has_course else "no activity"
            raise InvalidFileError(f"The TCX file holds {what}, nothing that was recorded. Export the activity.")
        dropped_count = 0
        workouts = []
        for activity in self._activities:
            workout, activity_dropped_count = activity.finish()
            dropped_count += activity_dropped_count
            if workout is not None:
                workouts.append(workout)
        if not workouts:
            raise InvalidFileError("The TCX file does not say when the activity took place. Set the device's clock.")
        return ActivityReading(FileFormat.TCX, tuple(workouts), dropped_count)

    def _open_lap(self, start_text: str) -> None:
        self._lap_count += 1
        if self._lap_count > LAP_COUNT_MAX:
            raise InvalidFileError(f"The TCX file holds more than {LAP_COUNT_MAX:,} laps. Split the recording.")
        self._activities[-1].open_lap(start_text)

    def _take_point_value(self, trackpoint: _Trackpoint, name: str, parent: str, text: str) -> None:
        if name == "Trackpoint":
            set_position(trackpoint.point, trackpoint.latitude, trackpoint.longitude)
            self._activities[-1].recorded.add(trackpoint.point, parse_time_ms(trackpoint.time_text))
            self._trackpoint = None
        elif name == "Time":
            trackpoint.time_text = text
        elif name == "LatitudeDegrees":
            trackpoint.latitude = text
        elif name == "LongitudeDegrees":
            trackpoint.longitude = text
        elif name in _POINT_VALUES:
            _POINT_VALUES[name].read(trackpoint.point, text)
        elif name == "Value" and parent == "HeartRateBpm":
            HEART_RATE.read(trackpoint.point, text)


def _take_lap_value(lap: TcxLap, name: str, parent: str, text: str) -> None:
    if (parent == "Lap" and name in _LAP_VALUES) or (name == "Value" and parent in _LAP_VALUES):
        value = parse_number(text)
        if value is not None and value > 0:
            setattr(lap, _LAP_VALUES[name if parent == "Lap" else parent], value)


_ACTIVITY_TEXTS = {"Activity": "Notes", "Creator": "Name"}

_POINT_VALUES = {
    "AltitudeMeters": ALTITUDE,
    "DistanceMeters": DISTANCE,
    "Cadence": CADENCE,
    "RunCadence": CADENCE,
    "Watts": POWER,
    "Speed": SPEED,
}

_LAP_VALUES = {
    "TotalTimeSeconds": "timer_seconds",
    "DistanceMeters": "distance_m",
    "Calories": "energy_kcal",
    "AverageHeartRateBpm": "mean_heart_rate_bpm",
    "MaximumHeartRateBpm": "peak_heart_rate_bpm",
}
