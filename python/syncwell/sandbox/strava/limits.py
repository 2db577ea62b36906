"""Strava's rate windows: quarter hours on the clock and UTC days, over all users of the application."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from syncwell.ports.clock import Clock
from syncwell.sandbox.strava.settings import StravaSettings

QUARTER_MS = 15 * 60 * 1000
DAY_MS = 24 * 60 * 60 * 1000
WINDOWS_SHOWN_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Window:
    name: str
    is_read: bool
    length_ms: int

    def start_ms(self, now_ms: int) -> int:
        return now_ms - now_ms % self.length_ms


QUARTER = _Window("quarter", is_read=False, length_ms=QUARTER_MS)
DAY = _Window("day", is_read=False, length_ms=DAY_MS)
READ_QUARTER = _Window("read_quarter", is_read=True, length_ms=QUARTER_MS)
READ_DAY = _Window("read_day", is_read=True, length_ms=DAY_MS)
WINDOWS = (QUARTER, DAY, READ_QUARTER, READ_DAY)


class RateWindows:
    """Counts calls; a refused call counts as well."""

    def __init__(self, clock: Clock, settings: Callable[[], StravaSettings]) -> None:
        self._clock = clock
        self._settings = settings
        self._counts: Counter[tuple[_Window, int]] = Counter()

    def count(self, *, is_read: bool) -> None:
        """Counts one call in every window that it belongs to."""
        now_ms = self._clock.now_ms()
        for window in WINDOWS:
            if is_read or not window.is_read:
                self._counts[window, window.start_ms(now_ms)] += 1
        while len(self._counts) > WINDOWS_SHOWN_MAX:
            del self._counts[next(iter(self._counts))]

    def is_over(self, *, is_read: bool) -> bool:
        """Tells whether the call counted last is over a limit."""
        return any(self._used(window) > self._limit(window) for window in WINDOWS if is_read or not window.is_read)

    def headers(self, *, is_read: bool) -> dict[str, str]:
        """Returns the four headers; a call that is no read tells its read usage as a bare comma."""
        read_usage = f"{self._used(READ_QUARTER)},{self._used(READ_DAY)}" if is_read else ","
        return {
            "X-RateLimit-Limit": f"{self._limit(QUARTER)},{self._limit(DAY)}",
            "X-RateLimit-Usage": f"{self._used(QUARTER)},{self._used(DAY)}",
            "X-ReadRateLimit-Limit": f"{self._limit(READ_QUARTER)},{self._limit(READ_DAY)}",
            "X-ReadRateLimit-Usage": read_usage,
        }

    def show(self) -> list[dict[str, object]]:
        """Returns every window that saw a call, with the limit that stands now."""
        return [
            {"window": window.name, "start_ms": start_ms, "calls": calls, "limit": self._limit(window)}
            for (window, start_ms), calls in self._counts.items()
        ]

    def _used(self, window: _Window) -> int:
        return self._counts[window, window.start_ms(self._clock.now_ms())]

    def _limit(self, window: _Window) -> int:
        settings = self._settings()
        limits = {
            QUARTER: settings.quarter_limit,
            DAY: settings.day_limit,
            READ_QUARTER: settings.quarter_read_limit,
            READ_DAY: settings.day_read_limit,
        }
        return limits[window]
