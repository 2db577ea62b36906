"""How the fields of a point become the fields of a FIT record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from syncwell.api.record.v1.record_pb2 import Point
from syncwell.providers.files.fit_encoding import BaseType, FitField

PointField = Literal[
    "latitude_e7",
    "longitude_e7",
    "altitude_cm",
    "distance_cm",
    "speed_mm_s",
    "heart_rate_bpm",
    "cadence_rpm",
    "power_w",
    "temperature_c",
]


_LONGITUDE_E7_MAX = 180 * 10**7 - 2


@dataclass(frozen=True, slots=True)
class PointColumn:
    """How one field of a point is written: raw = (value + shift) * numerator / denominator."""

    name: PointField
    field: FitField
    numerator: int = 1
    denominator: int = 1
    shift: int = 0

    def raw(self, point: Point) -> int | None:
        """Returns the number to write, or None where the point does not have it."""
        if not point.HasField(self.name):
            return None
        value: int = getattr(point, self.name)
        if self.name == "longitude_e7":
            # 180 degrees east would collide with the mark for "invalid": written a hand's breadth further west.
            value = min(value, _LONGITUDE_E7_MAX)
        # Rounds half up in integers: floats would depend on the order of operations.
        return ((value + self.shift) * self.numerator * 2 + self.denominator) // (self.denominator * 2)


_COLUMNS = (
    PointColumn("latitude_e7", FitField(0, BaseType.SINT32), 2**31, 180 * 10**7),
    PointColumn("longitude_e7", FitField(1, BaseType.SINT32), 2**31, 180 * 10**7),
    PointColumn("heart_rate_bpm", FitField(3, BaseType.UINT8)),
    PointColumn("cadence_rpm", FitField(4, BaseType.UINT8)),
    PointColumn("distance_cm", FitField(5, BaseType.UINT32)),
    PointColumn("power_w", FitField(7, BaseType.UINT16)),
    PointColumn("temperature_c", FitField(13, BaseType.SINT8)),
    PointColumn("speed_mm_s", FitField(73, BaseType.UINT32)),
    PointColumn("altitude_cm", FitField(78, BaseType.UINT32), 1, 20, shift=50_000),
)


def used_columns(points: Sequence[Point]) -> tuple[PointColumn, ...]:
    """Returns the columns that any point fills, so that files carry no empty ones."""
    return tuple(column for column in _COLUMNS if any(point.HasField(column.name) for point in points))
