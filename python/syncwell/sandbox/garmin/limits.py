"""Garmin's rate window: the minute, over all users of the application."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from syncwell.ports.clock import Clock
from syncwell.sandbox.garmin.settings import GarminSettings

MINUTE_MS = 60_000
WINDOWS_SHOWN_MAX = 10_000


class MinuteWindows:
    """Counts calls by minute; a refused call counts as well."""

    def __init__(self, clock: Clock, settings: Callable[[], GarminSettings]) -> None:
        self._clock = clock
        self._settings = settings
        self._counts: Counter[int] = Counter()

    def count(self) -> None:
        """Counts one call."""
        self._counts[self._start_ms()] += 1
        while len(self._counts) > WINDOWS_SHOWN_MAX:
            del self._counts[next(iter(self._counts))]

    def is_over(self) -> bool:
        """Tells whether the call counted last is over the limit."""
        return self._counts[self._start_ms()] > self._settings().calls_per_minute

    def show(self) -> list[dict[str, object]]:
        """Returns every window that saw a call, with the limit that stands now."""
        limit = self._settings().calls_per_minute
        return [
            {"window": "minute", "start_ms": start_ms, "calls": calls, "limit": limit}
            for start_ms, calls in self._counts.items()
        ]

    def _start_ms(self) -> int:
        now_ms = self._clock.now_ms()
        return now_ms - now_ms % MINUTE_MS
