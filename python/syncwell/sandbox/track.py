"""What a sandbox reads out of an uploaded file: a summary and the points."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_000.0


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One moment; `offset_s` counts from the start of the track."""

    offset_s: int
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None
    distance_m: float | None = None
    speed_mps: float | None = None
    heart_rate_bpm: int | None = None
    cadence_rpm: int | None = None
    power_w: int | None = None
    temperature_c: int | None = None

    @property
    def position(self) -> tuple[float, float] | None:
        """Returns latitude and longitude in degrees, or None."""
        if self.latitude is None or self.longitude is None:
            return None
        return (self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class Track:
    """One workout as its file tells it; `sport` and `sub_sport` are the names of the FIT profile."""

    sport: str
    start: datetime
    elapsed_s: int
    moving_s: int
    distance_m: float
    points: tuple[TrackPoint, ...] = field(default=(), repr=False)
    sub_sport: str = "generic"
    ascent_m: float = 0.0
    calories: float = 0.0
    utc_offset_s: int | None = None
    device_name: str = ""


def travelled(points: tuple[TrackPoint, ...]) -> float:
    """Returns the length of the way along the positions, metres."""
    places = [point.position for point in points if point.position is not None]
    return sum(_great_circle(here, there) for here, there in pairwise(places))


def _great_circle(here: tuple[float, float], there: tuple[float, float]) -> float:
    lat_a, lon_a, lat_b, lon_b = (radians(value) for value in (*here, *there))
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))
