"""The budget of one provider application in this process: every call is taken from it before it is made.

The counting is the core's (`syncwell.domain.budget`), one budget for each window of the provider. A call counts in
several windows at once and is granted by all of them or by none. What is granted is never given back: a call whose
answer was lost may have reached the provider and been counted there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from syncwell.domain.budget import Budget, BudgetLimits, open_budget
from syncwell.domain.budget import CallWindow as CoreWindow
from syncwell.domain.budget import Priority as CorePriority
from syncwell.domain.errors import ProviderThrottledError
from syncwell.domain.jobs import Priority
from syncwell.ports.clock import Clock
from syncwell.providers.call_limits import CallLimits, CallWindow

CORE_PRIORITIES: Mapping[Priority, CorePriority] = {
    Priority.HIGH: CorePriority.INTERACTIVE,
    Priority.MEDIUM: CorePriority.NORMAL,
    Priority.LOW: CorePriority.BULK,
}
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """One window and what was counted in it."""

    budget: Budget
    length_ms: int

    def has_room(self, priority: Priority, now_ms: int) -> bool:
        """Tells whether one more call fits, leaving everything as it was."""
        lease = self.budget.lease(1, CORE_PRIORITIES[priority], now_ms)
        if lease.granted:
            self.budget.give_back(lease.granted, now_ms, now_ms)
        return lease.granted > 0

    def take(self, priority: Priority, now_ms: int) -> None:
        """Counts one call that has room."""
        wait_ms = self.budget.try_take(1, CORE_PRIORITIES[priority], now_ms)
        assert wait_ms == 0, "asked for room before"  # noqa: S101 - nothing runs between the question and the deed

    def wait_ms(self, now_ms: int) -> int:
        """Returns the time until the window ends."""
        return self.length_ms - now_ms % self.length_ms

    def holds(self, moment_ms: int, now_ms: int) -> bool:
        """Tells whether `moment_ms` lies in the present window."""
        return moment_ms // self.length_ms == now_ms // self.length_ms


@dataclass(slots=True)
class CallGrant:
    """One granted call; give it to `CallBudget.finish` when the provider has answered or the answer is lost."""

    granted_ms: int
    windows: tuple[WindowBudget, ...]
    is_finished: bool = False


class CallBudget:
    """Grants calls to one provider application."""

    def __init__(self, provider: str, limits: CallLimits, clock: Clock) -> None:
        """Starts with every window empty, at the limits that `limits` declares."""
        self._provider = provider
        self._limits = limits
        self._clock = clock
        self._windows = {each.name: open_window(each) for each in limits.windows}
        self._is_reported = False
        self.calls_granted = 0
        self.calls_refused = 0

    @property
    def is_blind(self) -> bool:
        """True until the first report, where reports come: calls of an earlier process may have been counted."""
        return self._limits.are_reported and not self._is_reported

    def counts(self, method: str, path: str) -> bool:
        """Tells whether a call is counted in any window."""
        return bool(self._limits.windows_of(method, path))

    def take(self, method: str, path: str, priority: Priority) -> CallGrant:
        """Takes one call.

        Raises:
            ProviderThrottledError: a window has no room for this priority; says when it will.
        """
        now_ms = self._clock.now_ms()
        windows = tuple(self._windows[name] for name in self._limits.windows_of(method, path))
        spent = [each for each in windows if not each.has_room(priority, now_ms)]
        if spent:
            self.calls_refused += 1
            raise ProviderThrottledError(
                "the application's call budget at this provider is spent for now",
                retry_after=timedelta(milliseconds=max(each.wait_ms(now_ms) for each in spent)),
                provider=self._provider,
            )
        for each in windows:
            each.take(priority, now_ms)
        self.calls_granted += 1
        return CallGrant(now_ms, windows)

    def finish(self, grant: CallGrant) -> None:
        """Notes that a call is no longer under way; what it cost stays counted. Harmless when done already."""
        if not grant.is_finished:
            grant.is_finished = True
            for each in grant.windows:
                each.budget.finish(1, grant.granted_ms, self._clock.now_ms())

    def observe(self, headers: Mapping[str, str], grant: CallGrant) -> None:
        """Finishes the call and corrects the windows from the headers of its answer.

        A report that belongs to a window which has ended since says nothing about the present one.
        """
        self.finish(grant)
        now_ms = self._clock.now_ms()
        for report in self._limits.reports(headers):
            self._is_reported = True
            window = self._windows[report.name]
            if window.holds(grant.granted_ms, now_ms):
                window.budget.observe(0, report.used, report.limit, now_ms)

    def refused(self, headers: Mapping[str, str], grant: CallGrant) -> timedelta:
        """Learns from a 429, and returns how long its windows stay closed.

        Where no window shows itself as spent, the shortest one is taken as spent until it ends.
        """
        self.observe(headers, grant)
        now_ms = self._clock.now_ms()
        spent = [each for each in grant.windows if not each.has_room(Priority.HIGH, now_ms)]
        if not spent and grant.windows:
            spent = [min(grant.windows, key=lambda each: each.length_ms)]
            spent[0].budget.mark_lost(now_ms)
        return timedelta(milliseconds=max((each.wait_ms(now_ms) for each in spent), default=0))


def open_window(window: CallWindow) -> WindowBudget:
    """Returns the empty budget of a window."""
    core = CoreWindow(window.limit, window.length)
    return WindowBudget(
        open_budget(BudgetLimits(windows=(core,), tracks_in_flight=True)), length_ms=window.length // MILLISECOND
    )
