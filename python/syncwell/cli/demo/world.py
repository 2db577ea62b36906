"""What the two accounts of the demo hold before anything is synced, and what must be true afterwards.

Garmin holds the repository's recordings as they were recorded, and stretches cut from them (labelled as derived).
Strava already holds some of the same workouts in other clothes, and some near misses that are other workouts.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zlib import crc32

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.cli.demo.parts import cut
from syncwell.cli.sandboxes import USER, Json
from syncwell.domain.records import Sport
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.files.fit_writer import write_fit

FIRST_PART_COUNT = 14
LATER_PART_COUNT = 6
PART = timedelta(minutes=12)
PART_MS = PART // timedelta(milliseconds=1)
BETWEEN_PARTS = timedelta(hours=29)  # never the same time of day twice, never the same day


class Truth(StrEnum):
    """What a person would say about a workout of Garmin."""

    NEW = "new"
    THERE = "there"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class DemoWorkout:
    """One workout that Garmin holds."""

    label: str
    start: datetime
    elapsed: timedelta
    distance_m: float | None
    sport: Sport
    content: bytes
    is_derived: bool
    truth: Truth = Truth.NEW

    def garmin_seed(self) -> Json:
        """Returns it as the Garmin sandbox takes it."""
        return {
            "user_id": USER,
            "file": base64.b64encode(self.content).decode(),
            "activity": {"activityName": self.label},
        }


@dataclass(frozen=True, slots=True)
class StravaHolding:
    """One activity that Strava holds from the start.

    `twin_of` is the Garmin workout that it is, if any; `perhaps` is one that it may be: only its owner knows.
    """

    what: str
    start: datetime
    elapsed: timedelta
    distance_m: float | None
    sport: Sport
    name: str
    twin_of: str | None = None
    perhaps: str | None = None

    def strava_seed(self) -> Json:
        """Returns it as the Strava sandbox takes it."""
        return {
            "user_id": USER,
            "start": self.start.replace(microsecond=0).isoformat(),
            "elapsed_seconds": int(self.elapsed.total_seconds()),
            "distance_m": round(self.distance_m, 1) if self.distance_m is not None else 0.0,
            "sport_type": _STRAVA_SPORTS.get(self.sport, "Workout"),
            "name": self.name,
            # What a person typed in carries no id of another app.
            "external_id": None if self.perhaps else f"other-app-{crc32(self.what.encode())}.tcx",
        }


@dataclass(frozen=True, slots=True)
class World:
    """Both accounts. `later` comes to Garmin after the first sync."""

    first: tuple[DemoWorkout, ...]
    later: tuple[DemoWorkout, ...]
    holdings: tuple[StravaHolding, ...]

    @property
    def real_count(self) -> int:
        """Returns how many workouts are whole recordings."""
        return sum(not workout.is_derived for workout in self.first)


def build_world(recordings: Path, *, now: datetime) -> World:
    """Reads the recordings and lays out both accounts; the same recordings give the same world, moved to `now`."""
    read = [(path.stem, path.read_bytes()) for path in sorted(recordings.glob("*.fit"))]
    recorded = [_Recording(stem, content, workouts[0]) for stem, content in read if (workouts := read_fit(content))]
    real = [_describe(one.workout, one.content, label=one.stem, is_derived=False) for one in recorded]
    parts = list(_parts(recorded, now=now, count=FIRST_PART_COUNT + LATER_PART_COUNT))
    first = [*real, *parts[:FIRST_PART_COUNT]]
    holdings = list(_holdings(parts[:FIRST_PART_COUNT]))
    twins = {holding.twin_of for holding in holdings}
    unsure = {holding.perhaps for holding in holdings}
    first = [replace(one, truth=Truth.THERE) if one.label in twins else one for one in first]
    first = [replace(one, truth=Truth.UNSURE) if one.label in unsure else one for one in first]
    return World(tuple(first), tuple(parts[FIRST_PART_COUNT:]), tuple(holdings))


@dataclass(frozen=True, slots=True)
class _Recording:
    stem: str
    content: bytes
    workout: CanonicalWorkout


def _parts(recorded: Sequence[_Recording], *, now: datetime, count: int) -> Iterator[DemoWorkout]:
    sources = [one for one in recorded if one.workout.elapsed_ms >= 2 * PART_MS and one.workout.distance_m > 0]
    begin = (now - BETWEEN_PARTS * (count + 1)).replace(microsecond=0)
    made = 0
    for stretch in range(count):
        for source in sources:
            if made == count:
                return
            part = cut(source.workout, PART * stretch, PART * (stretch + 1), moved_to=begin + BETWEEN_PARTS * made)
            if part is None or part.distance_m <= 0:
                continue
            made += 1
            label = f"{source.stem}, minutes {12 * stretch}-{12 * (stretch + 1)} (derived)"
            yield _describe(part, write_fit(part), label=label, is_derived=True)


def _describe(workout: CanonicalWorkout, content: bytes, *, label: str, is_derived: bool) -> DemoWorkout:
    return DemoWorkout(
        label=label,
        start=workout.start_time.ToDatetime(tzinfo=UTC),
        elapsed=timedelta(milliseconds=workout.elapsed_ms),
        distance_m=workout.distance_m if workout.HasField("distance_m") else None,
        sport=Sport(workout.sport or Sport.OTHER),
        content=content,
        is_derived=is_derived,
    )


def _holdings(parts: Sequence[DemoWorkout]) -> Iterator[StravaHolding]:
    """Lays twins over the first parts and near misses beside the next."""
    other_format, zone_bug, renamed, second_watch, commute, next_day, brick, typed_in = parts[:8]
    yield _holding("the same file in another format", other_format, is_twin=True)
    yield _holding(
        "the same workout, two hours late (a time zone bug)", zone_bug, shift=timedelta(hours=2), is_twin=True
    )
    yield _holding("the same workout, renamed by its owner", renamed, name="Canal loop with Ana", is_twin=True)
    yield _holding(
        "the same workout from another watch",
        second_watch,
        shift=timedelta(seconds=45),
        duration=0.99,
        distance=1.02,
        is_twin=True,
    )
    yield _holding("the way back, nine hours later", commute, shift=timedelta(hours=9, minutes=7), distance=1.01)
    yield _holding("the same round on the next day", next_day, shift=timedelta(days=1, seconds=80), distance=1.004)
    yield _holding(
        "another workout, begun 100 s after the end",
        brick,
        shift=brick.elapsed + timedelta(seconds=100),
        duration=0.8,
        distance=0.7,
    )
    yield _typed_in(typed_in)


def _typed_in(workout: DemoWorkout) -> StravaHolding:
    return StravaHolding(
        what="typed in by hand with rough times: only its owner knows",
        start=workout.start + timedelta(minutes=4),
        elapsed=workout.elapsed * 1.6,
        distance_m=None,
        sport=Sport.OTHER,
        name="Outdoors",
        perhaps=workout.label,
    )


def _holding(
    what: str,
    workout: DemoWorkout,
    *,
    shift: timedelta = timedelta(0),
    duration: float = 1.0,
    distance: float = 1.0,
    name: str | None = None,
    is_twin: bool = False,
) -> StravaHolding:
    return StravaHolding(
        what=what,
        start=workout.start + shift,
        elapsed=workout.elapsed * duration,
        distance_m=None if workout.distance_m is None else workout.distance_m * distance,
        sport=workout.sport,
        name=workout.label if name is None else name,
        twin_of=workout.label if is_twin else None,
    )


_STRAVA_SPORTS = {
    Sport.RUN: "Run",
    Sport.TRAIL_RUN: "TrailRun",
    Sport.TREADMILL_RUN: "VirtualRun",
    Sport.WALK: "Walk",
    Sport.HIKE: "Hike",
    Sport.RIDE: "Ride",
    Sport.MTB_RIDE: "MountainBikeRide",
    Sport.GRAVEL_RIDE: "GravelRide",
    Sport.INDOOR_RIDE: "VirtualRide",
    Sport.SWIM: "Swim",
    Sport.SWIM_POOL: "Swim",
    Sport.SWIM_OPEN: "Swim",
}
