"""The verdict, from what the sandboxes themselves hold and were asked. It never asks SyncWell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any  # reason: the books are JSON of the sandboxes

from syncwell.cli.demo.world import DemoWorkout, StravaHolding
from syncwell.cli.sandboxes import USER

SAME_START = timedelta(seconds=1)
SAME_ELAPSED_S = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong at the destination; all zeros is the only good answer."""

    duplicates: tuple[str, ...]
    missing: tuple[str, ...]
    strangers: tuple[str, ...]
    refused_uploads: int
    throttled_calls: int

    @property
    def is_good(self) -> bool:
        """True when every record is there exactly once and no call was refused."""
        return not (self.duplicates or self.missing or self.strangers or self.refused_uploads or self.throttled_calls)


def judge(
    workouts: Sequence[DemoWorkout],
    holdings: Sequence[StravaHolding],
    strava: Mapping[str, Any],
    garmin: Mapping[str, Any],
) -> Verdict:
    """Compares what Strava holds with what it must hold.

    An upload *is* the Garmin workout that starts in the same second and lasts as long; the workouts of the demo are
    unique in that. Each workout must have exactly one activity: its upload, or the twin that Strava held before. One
    that only its owner can tell must not have been written: it waits for a decision.
    """
    live = [record for record in strava["records"].get(USER, []) if record["deleted_ms"] is None]
    uploads = [record for record in live if record["origin"] != "seed"]
    owner_of = {id(upload): _owner(upload, workouts) for upload in uploads}
    twins = {holding.twin_of for holding in holdings}
    held = twins | {holding.perhaps for holding in holdings}
    copies = {
        workout.label: sum(owner == workout.label for owner in owner_of.values()) + (workout.label in held)
        for workout in workouts
    }
    seeds = len(live) - len(uploads)
    counters = strava["counters"]
    return Verdict(
        duplicates=tuple(label for label, count in copies.items() if count > 1),
        missing=tuple(label for label, count in copies.items() if count == 0)
        + (("a record that Strava held is gone",) if seeds != len(holdings) else ()),
        strangers=tuple(str(upload["id"]) for upload in uploads if owner_of[id(upload)] is None),
        refused_uploads=int(counters.get("uploads_refused", 0)),
        throttled_calls=int(counters.get("throttled", 0)) + int(garmin["counters"].get("throttled", 0)),
    )


def write_count(strava: Mapping[str, Any]) -> int:
    """Returns how often Strava was asked to change something."""
    counters = strava["counters"]
    return int(counters.get("upload_calls", 0)) + int(counters.get("write_calls", 0))


def call_count(*books: Mapping[str, Any]) -> int:
    """Returns all calls that the providers were asked."""
    return sum(int(book["counters"].get("calls", 0)) for book in books)


def _owner(upload: Mapping[str, Any], workouts: Sequence[DemoWorkout]) -> str | None:
    start = datetime.fromtimestamp(int(upload["start_ms"]) / 1000, tz=UTC)
    for workout in workouts:
        is_same_start = abs(start - workout.start) <= SAME_START
        if is_same_start and abs(float(upload["elapsed_seconds"]) - workout.elapsed.total_seconds()) <= SAME_ELAPSED_S:
            return workout.label
    return None
