"""The budget of one provider application in this process: every call is taken from it before it is made.

A call counts in several windows at once and is granted by all of them or by none. What is granted is never given
back: a call whose answer was lost may have reached the provider and been counted there. What the provider reports
about itself can only raise our own count, never lower it, because reports arrive late and out of order. A call that is
on its way when a window ends is counted in both windows: nobody knows on which side the provider will see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from syncwell.domain.errors import ProviderThrottledError
from syncwell.domain.jobs import Priority
from syncwell.ports.clock import Clock
from syncwell.providers.call_limits import CallLimits, CallWindow

# What each priority leaves of a window for those above it, in thousandths of the limit.
RESERVES_PER_MILLE: Mapping[Priority, int] = {Priority.HIGH: 0, Priority.MEDIUM: 100, Priority.LOW: 300}


@dataclass(slots=True)
class WindowCount:
    """Calls counted in the present span of one window."""

    length_ms: int
    limit: int
    index: int = -1
    used: int = 0
    in_flight: int = 0

    def roll(self, now_ms: int) -> None:
        """Starts a new count when the window has ended; time that runs backwards keeps the count."""
        index = now_ms // self.length_ms
        if index > self.index:
            self.index, self.used = index, self.in_flight

    def room(self, priority: Priority) -> int:
        """Returns how many calls of this priority still fit."""
        reserve = self.limit * RESERVES_PER_MILLE[priority] // 1000
        return self.limit - reserve - self.used

    def wait_ms(self, now_ms: int) -> int:
        """Returns the time until the window ends."""
        return max(1, (self.index + 1) * self.length_ms - now_ms)


@dataclass(frozen=True, slots=True)
class CallGrant:
    """One granted call; give it back to `CallBudget.finish` when its answer is there or lost."""

    granted_ms: int
    counts: tuple[WindowCount, ...]


class CallBudget:
    """Grants calls to one provider application."""

    def __init__(self, provider: str, limits: CallLimits, clock: Clock) -> None:
        """Starts with every window empty, at the limits that `limits` declares."""
        self._provider = provider
        self._limits = limits
        self._clock = clock
        self._counts = {each.name: new_count(each) for each in limits.windows}
        self.calls_granted = 0
        self.calls_refused = 0

    def take(self, method: str, path: str, priority: Priority) -> CallGrant:
        """Takes one call.

        Raises:
            ProviderThrottledError: a window has no room for this priority; says when it will.
        """
        now_ms = self._clock.now_ms()
        counts = tuple(self._counts[name] for name in self._limits.windows_of(method, path))
        for count in counts:
            count.roll(now_ms)
        spent = [count for count in counts if count.room(priority) < 1]
        if spent:
            self.calls_refused += 1
            raise self._throttled(max(count.wait_ms(now_ms) for count in spent))
        for count in counts:
            count.used += 1
            count.in_flight += 1
        self.calls_granted += 1
        return CallGrant(now_ms, counts)

    def finish(self, grant: CallGrant) -> None:
        """Notes that a call is no longer on its way; what it cost stays counted."""
        for count in grant.counts:
            count.in_flight -= 1

    def observe(self, headers: Mapping[str, str], grant: CallGrant) -> None:
        """Corrects the windows from the answer to a granted call.

        A report that belongs to a window which has ended since says nothing about the present one.
        """
        now_ms = self._clock.now_ms()
        for report in self._limits.reports(headers):
            count = self._counts[report.name]
            count.roll(now_ms)
            count.limit = report.limit
            if grant.granted_ms // count.length_ms == count.index:
                count.used = max(count.used, report.used)

    def refused(self, headers: Mapping[str, str], grant: CallGrant) -> timedelta:
        """Learns from a 429, and returns how long its windows stay closed.

        Where no window shows itself as spent, the shortest one is taken as spent until it ends.
        """
        self.observe(headers, grant)
        now_ms = self._clock.now_ms()
        for count in grant.counts:
            count.roll(now_ms)
        spent = [count for count in grant.counts if count.used >= count.limit]
        if not spent and grant.counts:
            shortest = min(grant.counts, key=lambda count: count.length_ms)
            shortest.used = shortest.limit
            spent = [shortest]
        return timedelta(milliseconds=max((count.wait_ms(now_ms) for count in spent), default=0))

    def _throttled(self, wait_ms: int) -> ProviderThrottledError:
        return ProviderThrottledError(
            "the application's call budget at this provider is spent for now",
            retry_after=timedelta(milliseconds=wait_ms),
            provider=self._provider,
        )


def new_count(window: CallWindow) -> WindowCount:
    """Returns the empty count of a window."""
    return WindowCount(length_ms=round(window.length.total_seconds() * 1000), limit=window.limit)
