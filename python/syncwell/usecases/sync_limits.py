"""The bounds of one sync, set once for a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from syncwell.domain.backoff import Backoff


@dataclass(frozen=True, slots=True)
class SyncLimits:
    """Bounds with their reasons.

    `lease` is how long a dead worker can hold a job. `first_window` is how far a pair's first sync looks back.
    `records_max` bounds the metadata in memory (about 1 KB each). `writes_at_once` bounds payloads in memory and calls
    in flight at one destination; payloads are asked for in groups of `payloads_at_once`, each with a fresh deadline.
    Waits up to `wait_in_place` keep the lease; longer ones give it back.
    """

    lease: timedelta = timedelta(seconds=30)
    first_window: timedelta = timedelta(days=30)
    records_max: int = 20_000
    writes_at_once: int = 4
    payloads_at_once: int = 20
    wait_in_place: timedelta = timedelta(seconds=10)
    resend_within: timedelta = timedelta(seconds=60)
    defer_max: timedelta = timedelta(hours=24)
    backoff: Backoff = field(default_factory=lambda: Backoff(timedelta(seconds=2), timedelta(minutes=5)))
