"""Reads GPX 1.0 and 1.1 into canonical workouts.

Each track with times is one workout, because GPX has no other word for an activity; a new track segment is a pause.
GPX knows no sums, so distance and heart rate come from the points. Routes, waypoints and tracks without times are
plans or maps, not workouts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point, Provenance
from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files.activity_reading import ActivityReading, printable, timestamp_of
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.point_values import (
    ALTITUDE,
    CADENCE,
    DISTANCE,
    HEART_RATE,
    POWER,
    SPEED,
    TEMPERATURE,
    set_position,
)
from syncwell.providers.files.recorded_track import OrderlyTrack, PointBudget, RecordedTrack
from syncwell.providers.files.sport_words import is_indoor_sport, sport_from_word
from syncwell.providers.files.track_sums import covered_distance_m, set_heart_rate
from syncwell.providers.files.xml_values import parse_time_ms, parse_utc_offset_s

ROOT = "gpx"
TRACK_COUNT_MAX = 1_000

_TITLE_LENGTH_MAX = 200
_WORD_LENGTH_MAX = 100


@dataclass(slots=True)
class _Track:
    recorded: RecordedTrack
    texts: dict[str, str] = field(default_factory=dict)
    utc_offset_s: int | None = None
    has_times: bool = False


class GpxSink:
    """Takes the elements of a GPX document; `finish` gives what they said."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._budget = PointBudget()
        self._point: Point | None = None
        self._time_text = ""

    def on_start(self, name: str, parent: str, attributes: Mapping[str, str]) -> None:
        """Opens tracks, segments and points."""
        if name == "trkpt" and self._tracks:
            self._point = Point()
            set_position(self._point, attributes.get("lat", ""), attributes.get("lon", ""))
            self._time_text = ""
        elif name == "trk" and parent == ROOT:
            if len(self._tracks) == TRACK_COUNT_MAX:
                raise InvalidFileError(f"The GPX file holds more than {TRACK_COUNT_MAX:,} tracks. Split it.")
            self._tracks.append(_Track(RecordedTrack(self._budget)))
        elif name == "trkseg" and self._tracks:
            self._tracks[-1].recorded.pause()

    def on_end(self, name: str, parent: str, text: str) -> None:
        """Takes the values of points and tracks."""
        if self._point is None:
            if parent == "trk" and self._tracks and name in _TRACK_TEXTS:
                self._tracks[-1].texts[name] = text
        elif name == "trkpt":
            self._finish_point(self._tracks[-1], self._point)
            self._point = None
        elif name == "time" and parent == "trkpt":
            self._time_text = text
        elif name in _POINT_VALUES:
            _POINT_VALUES[name].read(self._point, text)

    def finish(self) -> ActivityReading:
        """Returns the workouts.

        Raises:
            InvalidFileError: no track tells when it was recorded.
        """
        if not self._tracks:
            raise InvalidFileError("The GPX file holds no track (but waypoints or routes). Export the recording.")
        dropped_count = 0
        workouts: list[CanonicalWorkout] = []
        for track in self._tracks:
            ordered = track.recorded.put_in_order()
            dropped_count += ordered.dropped_count
            if ordered.points and ordered.end_ms > ordered.start_ms:
                workouts.append(_workout(track, ordered))
            else:
                dropped_count += len(ordered.points)
        if not workouts:
            raise InvalidFileError(_why_no_workout(self._tracks))
        return ActivityReading(FileFormat.GPX, tuple(workouts), dropped_count)

    def _finish_point(self, track: _Track, point: Point) -> None:
        if self._time_text and not track.has_times:
            track.has_times = True
            track.utc_offset_s = parse_utc_offset_s(self._time_text)
        track.recorded.add(point, parse_time_ms(self._time_text) if self._time_text else None)


def _workout(track: _Track, ordered: OrderlyTrack) -> CanonicalWorkout:
    word = printable(track.texts.get("type", ""), _WORD_LENGTH_MAX)
    sport = sport_from_word(word)
    workout = CanonicalWorkout(
        provenance=Provenance(provider=PROVIDER, native_type=word),
        sport=record_pb2.Sport.ValueType(sport),
        start_time=timestamp_of(ordered.start_ms),
        utc_offset_s=track.utc_offset_s,
        elapsed_ms=ordered.end_ms - ordered.start_ms,
        distance_m=covered_distance_m(ordered),
        title=printable(track.texts.get("name", ""), _TITLE_LENGTH_MAX),
        notes=track.texts.get("desc", "").strip(),
        is_indoor=is_indoor_sport(sport),
        segments=ordered.segments(ordered.start_ms),
    )
    set_heart_rate(workout, ordered.points)
    return workout


def _why_no_workout(tracks: list[_Track]) -> str:
    if any(track.has_times for track in tracks):
        return "The GPX file has no track with two points of different, sensible times. Check the device's clock."
    return "The GPX file has no times: it is a planned or drawn route. Export the recording, with times."


_TRACK_TEXTS = frozenset({"name", "type", "desc"})


# The standard's own elements and the extensions in use: Garmin's TrackPointExtension and PowerExtension, Cluetrust's.
_POINT_VALUES = {
    "ele": ALTITUDE,
    "speed": SPEED,
    "distance": DISTANCE,
    "hr": HEART_RATE,
    "cad": CADENCE,
    "cadence": CADENCE,
    "power": POWER,
    "watts": POWER,
    "PowerInWatts": POWER,
    "atemp": TEMPERATURE,
    "temp": TEMPERATURE,
}
