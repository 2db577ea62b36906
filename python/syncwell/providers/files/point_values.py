"""How the values of a point are spelled in XML: as decimal numbers in basic units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from syncwell.api.record.v1.record_pb2 import Point
from syncwell.providers.files.xml_values import INT32_MAX, UINT16_MAX, UINT32_MAX, parse_scaled

HEART_RATE_BPM_MAX = 254

_DEGREES_E7 = 10**7


@dataclass(frozen=True, slots=True)
class PointValue:
    """One field of a point: what the file says, times `factor`, within the bounds."""

    field: Literal[
        "altitude_cm",
        "distance_cm",
        "speed_mm_s",
        "heart_rate_bpm",
        "cadence_rpm",
        "power_w",
        "temperature_c",
    ]
    factor: int
    low: int
    high: int

    def read(self, point: Point, text: str) -> None:
        """Sets the field; leaves it absent where the text is no number within the bounds."""
        value = parse_scaled(text, self.factor, self.low, self.high)
        if value is not None:
            setattr(point, self.field, value)

    def write(self, point: Point) -> str | None:
        """Returns the number as text, exactly; None where the point does not have it."""
        if not point.HasField(self.field):
            return None
        return decimal_text(getattr(point, self.field), self.factor)

    def is_in(self, points: Sequence[Point]) -> bool:
        """Tells whether any point has the field."""
        return any(point.HasField(self.field) for point in points)


ALTITUDE = PointValue("altitude_cm", 100, -INT32_MAX, INT32_MAX)
DISTANCE = PointValue("distance_cm", 100, 0, UINT32_MAX)
SPEED = PointValue("speed_mm_s", 1000, 0, UINT32_MAX)
# A heart that beats 0 times a minute means a strap without contact.
HEART_RATE = PointValue("heart_rate_bpm", 1, 1, HEART_RATE_BPM_MAX)
CADENCE = PointValue("cadence_rpm", 1, 0, UINT16_MAX)
POWER = PointValue("power_w", 1, 0, UINT16_MAX)
TEMPERATURE = PointValue("temperature_c", 1, -UINT16_MAX, UINT16_MAX)


def set_position(point: Point, latitude: str, longitude: str) -> None:
    """Sets both coordinates, or neither where one is not on earth."""
    latitude_e7 = parse_scaled(latitude, _DEGREES_E7, -90 * _DEGREES_E7, 90 * _DEGREES_E7)
    longitude_e7 = parse_scaled(longitude, _DEGREES_E7, -180 * _DEGREES_E7, 180 * _DEGREES_E7)
    if latitude_e7 is not None and longitude_e7 is not None:
        point.latitude_e7 = latitude_e7
        point.longitude_e7 = longitude_e7


def has_position(point: Point) -> bool:
    """Tells whether the point says where it was."""
    return point.HasField("latitude_e7") and point.HasField("longitude_e7")


def degrees_text(value_e7: int) -> str:
    """Returns degrees with all their seven places."""
    return decimal_text(value_e7, _DEGREES_E7)


def decimal_text(value: int, factor: int) -> str:
    """Returns `value / factor` in plain decimals, exactly; `factor` is a power of ten."""
    if factor == 1:
        return str(value)
    whole, rest = divmod(abs(value), factor)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{rest:0{len(str(factor)) - 1}d}"
