"""Splits a workout into the sessions that FIT wants: one for each leg of a multisport workout, otherwise one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap
from syncwell.domain.records import Sport

KNOWN_SPORTS = frozenset(int(sport) for sport in Sport)
"""Newer peers may send numbers that this version does not know."""

_START_ROUNDING_MS = 1_000
"""Legs begin at whole seconds, so each may seem to begin this much before the one before it ends."""


@dataclass(frozen=True, slots=True)
class FitLeg:
    """One session: all of a workout or one leg of a multisport workout."""

    lap: Lap
    sport: Sport
    timer_ms: int
    energy_kcal: int | None
    climb_m: int | None
    first_lap: int
    lap_count: int


def split_legs(workout: CanonicalWorkout) -> list[FitLeg]:
    """Returns the sessions to write; sums of the workout are shared out by wall time."""
    if not _has_legs(workout):
        lap = whole_lap(workout)
        return [_leg(workout, lap, Sport(workout.sport), (0, workout.elapsed_ms), (0, len(workout.laps) or 1))]
    total_ms = sum(lap.elapsed_ms for lap in workout.laps)
    legs: list[FitLeg] = []
    elapsed_ms = 0
    for index, lap in enumerate(workout.laps):
        share = (elapsed_ms, elapsed_ms + lap.elapsed_ms)
        legs.append(_leg(workout, lap, Sport(lap.sport), share, (index, 1), total_ms=total_ms))
        elapsed_ms += lap.elapsed_ms
    return legs


def _has_legs(workout: CanonicalWorkout) -> bool:
    """Tells whether the laps are legs, one after the other, from the start to the end of a multisport workout."""
    laps = workout.laps
    if workout.sport != record_pb2.SPORT_MULTISPORT or len({lap.sport for lap in laps}) < 2:
        return False
    if not all(lap.sport in KNOWN_SPORTS and lap.elapsed_ms for lap in laps):
        return False
    starts = [lap.start_time.seconds for lap in laps]
    last_end_ms = starts[-1] * 1000 + laps[-1].elapsed_ms
    workout_end_ms = workout.start_time.seconds * 1000 + workout.elapsed_ms
    return (
        starts == sorted(set(starts))
        and starts[0] == workout.start_time.seconds
        and abs(last_end_ms - workout_end_ms) <= _START_ROUNDING_MS * len(laps)
    )


def _leg(
    workout: CanonicalWorkout,
    lap: Lap,
    sport: Sport,
    share_ms: tuple[int, int],
    laps: tuple[int, int],
    *,
    total_ms: int | None = None,
) -> FitLeg:
    whole_ms = workout.elapsed_ms if total_ms is None else total_ms
    energy = rounded(workout.energy_kcal) if workout.HasField("energy_kcal") else None
    climb = rounded(workout.elevation_gain_m) if workout.HasField("elevation_gain_m") else None
    timer = workout.moving_ms if workout.HasField("moving_ms") else whole_ms
    return FitLeg(
        lap=lap,
        sport=sport,
        timer_ms=_share(timer, share_ms, whole_ms) or 0,
        energy_kcal=_share(energy, share_ms, whole_ms),
        climb_m=_share(climb, share_ms, whole_ms),
        first_lap=laps[0],
        lap_count=laps[1],
    )


def _share(total: int | None, share_ms: tuple[int, int], whole_ms: int) -> int | None:
    """Returns the part of `total` that falls to a stretch; the parts of all stretches add up to `total`."""
    if total is None or share_ms == (0, whole_ms) or whole_ms == 0:
        return total
    return total * share_ms[1] // whole_ms - total * share_ms[0] // whole_ms


def whole_lap(workout: CanonicalWorkout) -> Lap:
    """Returns the lap that spans all of the workout."""
    return Lap(
        start_time=workout.start_time,
        elapsed_ms=workout.elapsed_ms,
        distance_m=workout.distance_m if workout.HasField("distance_m") else None,
    )


def rounded(value: float, scale: int = 1) -> int | None:
    """Returns `value * scale` as a whole number, or None where it is not finite."""
    return round(value * scale) if math.isfinite(value) else None
