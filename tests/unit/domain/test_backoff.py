"""Backoff: spread over the whole range, growing, and bounded."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from syncwell.domain.backoff import Backoff

BACKOFF = Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=1))


def test_waits_stay_below_their_doubling_ceiling() -> None:
    """Each wait lies between nothing and base times two to the n, never above the cap, however many attempts."""
    random = Random(1)
    for attempt, ceiling_s in [(0, 2), (1, 4), (4, 32), (5, 60), (1000, 60)]:
        waits = [BACKOFF.delay(attempt, random) for _ in range(200)]
        assert all(timedelta(0) <= wait <= timedelta(seconds=ceiling_s) for wait in waits)
        assert max(waits) > timedelta(seconds=ceiling_s * 0.9)
        assert min(waits) < timedelta(seconds=ceiling_s * 0.1)
