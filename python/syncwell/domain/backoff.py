"""Full-jitter backoff: uniform(0, min(cap, base * 2^n))."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

_DOUBLINGS_MAX = 30  # beyond that every cap is reached; keeps the arithmetic small


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts."""

    base: timedelta
    cap: timedelta

    def delay(self, attempt: int, random: Random) -> timedelta:
        """Returns the wait before the attempt that follows `attempt` failures (0 is the first)."""
        ceiling: timedelta = min(self.cap, self.base * 2 ** min(attempt, _DOUBLINGS_MAX))
        return timedelta(seconds=random.uniform(0.0, ceiling.total_seconds()))
