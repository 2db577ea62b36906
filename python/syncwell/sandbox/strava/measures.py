"""What Strava computes from a track once, when the activity comes in, and shows in every listing."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncwell.sandbox.strava.polyline import encode_polyline, thinned
from syncwell.sandbox.track import Track


@dataclass(frozen=True, slots=True)
class Measures:
    """Ends, lines and averages; `shown` holds only the keys for which the file has values, as Strava does."""

    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    polyline: str = ""
    summary_polyline: str = ""
    max_speed: float = 0.0
    has_heart_rate: bool = False
    shown: dict[str, object] = field(default_factory=dict)


def measure(track: Track | None) -> Measures:
    """Returns the measures of a track; those of nothing where there is none."""
    if track is None:
        return Measures()
    points = track.points
    positions = [point.position for point in points if point.position is not None]
    rates = [point.heart_rate_bpm for point in points if point.heart_rate_bpm is not None]
    return Measures(
        start=positions[0] if positions else (),
        end=positions[-1] if positions else (),
        polyline=encode_polyline(positions),
        summary_polyline=encode_polyline(thinned(positions)),
        max_speed=max((point.speed_mps for point in points if point.speed_mps is not None), default=0.0),
        has_heart_rate=bool(rates),
        shown=_shown(track, rates),
    )


def _shown(track: Track, rates: list[int]) -> dict[str, object]:
    cadences = [point.cadence_rpm for point in track.points if point.cadence_rpm is not None]
    powers = [point.power_w for point in track.points if point.power_w is not None]
    temperatures = [point.temperature_c for point in track.points if point.temperature_c is not None]
    heights = [point.altitude_m for point in track.points if point.altitude_m is not None]
    shown: dict[str, object] = {}
    if cadences:
        shown["average_cadence"] = _mean(cadences)
    if temperatures:
        shown["average_temp"] = round(_mean(temperatures))
    if powers:
        shown |= {"average_watts": _mean(powers), "device_watts": True}
    if rates:
        shown |= {"average_heartrate": _mean(rates), "max_heartrate": float(max(rates))}
    if heights:
        shown |= {"elev_high": round(max(heights), 1), "elev_low": round(min(heights), 1)}
    return shown


def _mean(values: list[int]) -> float:
    return round(sum(values) / len(values), 1)
