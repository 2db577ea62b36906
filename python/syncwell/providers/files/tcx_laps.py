"""Deals a workout out to the laps of a TCX file, which has no place for anything outside of a lap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point
from syncwell.providers.files.fit_legs import whole_lap
from syncwell.providers.files.written_times import start_ms_of

_ROUNDING_MS = 1_000
_DISTANCE_ROUNDING_M = 1.0
_DISTANCE_ROUNDING_RATIO = 0.001


@dataclass(slots=True)
class WrittenLap:
    """One lap: what it says and its points, in a track for each stretch between pauses."""

    start_ms: int
    timer_ms: int
    distance_m: float
    energy_kcal: int
    mean_heart_rate_bpm: int = 0
    peak_heart_rate_bpm: int = 0
    tracks: list[list[Point]] = field(default_factory=list)


def split_laps(workout: CanonicalWorkout) -> list[WrittenLap]:
    """Returns the laps to write; time on the timer and energy, which only the whole knows, go by wall time.

    Laps that do not make up the workout would falsify its sums, so it is then written as one lap.
    """
    laps = list(workout.laps) if _make_up(workout) else [whole_lap(workout)]
    weights = [lap.elapsed_ms for lap in laps]
    timer_ms = workout.moving_ms if workout.HasField("moving_ms") else workout.elapsed_ms
    energy_kcal = max(0, round(workout.energy_kcal))
    written = [
        WrittenLap(start_ms_of(lap), its_timer_ms, lap.distance_m, its_energy_kcal)
        for lap, its_timer_ms, its_energy_kcal in zip(
            laps, _deal(timer_ms, weights), _deal(energy_kcal, weights), strict=True
        )
    ]
    _deal_points(workout, written)
    _set_heart_rates(workout, written)
    return written


def _make_up(workout: CanonicalWorkout) -> bool:
    """Tells whether the laps begin with the workout, follow each other, and sum up to its distance."""
    starts = [start_ms_of(lap) for lap in workout.laps]
    if not starts or starts != sorted(set(starts)) or abs(starts[0] - start_ms_of(workout)) > _ROUNDING_MS:
        return False
    if not any(lap.elapsed_ms for lap in workout.laps):
        return False
    distance_m = sum(lap.distance_m for lap in workout.laps)
    tolerance_m = max(_DISTANCE_ROUNDING_M, workout.distance_m * _DISTANCE_ROUNDING_RATIO)
    return abs(distance_m - workout.distance_m) <= tolerance_m


def _deal(total: int, weights: Sequence[int]) -> list[int]:
    """Returns shares of `total` by weight that add up to it."""
    whole = sum(weights)
    if whole == 0:
        return [total, *([0] * (len(weights) - 1))]
    shares: list[int] = []
    passed = 0
    for weight in weights:
        shares.append(total * (passed + weight) // whole - total * passed // whole)
        passed += weight
    return shares


def _deal_points(workout: CanonicalWorkout, laps: Sequence[WrittenLap]) -> None:
    """Puts each point into the last lap that has begun; a workout without points gets one at each end."""
    start_ms = start_ms_of(workout)
    current = 0
    for is_new_stretch, points in _stretches(workout):
        must_open = is_new_stretch
        for point in points:
            while current + 1 < len(laps) and laps[current + 1].start_ms <= start_ms + point.offset_ms:
                current += 1
            if must_open or not laps[current].tracks:
                laps[current].tracks.append([])
                must_open = False
            laps[current].tracks[-1].append(point)


def _set_heart_rates(workout: CanonicalWorkout, laps: Sequence[WrittenLap]) -> None:
    """Gives each of several laps the figures of its own points; what only the whole knows goes to the first lap."""
    rates = [[p.heart_rate_bpm for track in lap.tracks for p in track if p.heart_rate_bpm] for lap in laps]
    if len(laps) == 1 or not any(rates):
        laps[0].mean_heart_rate_bpm = workout.average_heart_rate_bpm
        laps[0].peak_heart_rate_bpm = workout.max_heart_rate_bpm
        return
    for lap, its_rates in zip(laps, rates, strict=True):
        if its_rates:
            lap.mean_heart_rate_bpm = round(sum(its_rates) / len(its_rates))
            lap.peak_heart_rate_bpm = max(its_rates)


def _stretches(workout: CanonicalWorkout) -> list[tuple[bool, Sequence[Point]]]:
    found: list[tuple[bool, Sequence[Point]]] = [
        (segment.follows_pause, segment.points) for segment in workout.segments if segment.points
    ]
    return found or [(False, (Point(offset_ms=0), Point(offset_ms=workout.elapsed_ms)))]
