"""The typed door to call budgets in the Rust core.

A budget answers one question without waiting: may this call go out now, and if not, in how many milliseconds? Calls
granted inside each window, as the provider counts it, never exceed the limit less the reserve.

Example:
    table = open_budget_table(BudgetLimits(windows=(CallWindow(100, timedelta(minutes=15)),)), capacity=1_000)
    wait_ms = table.try_take("strava", 1, Priority.NORMAL, now_ms)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from syncwell._core import Budget, BudgetTable, Lease

__all__ = [
    "Budget",
    "BudgetLimits",
    "BudgetTable",
    "CallRate",
    "CallWindow",
    "Lease",
    "Priority",
    "open_budget",
    "open_budget_table",
]

_MILLISECOND = timedelta(milliseconds=1)


class Priority(IntEnum):
    """Who asks; the lower number may use more of the limit."""

    INTERACTIVE = 0
    NORMAL = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class CallWindow:
    """A provider's fixed window, aligned to the Unix epoch (quarter hours, UTC days)."""

    call_count_max: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class CallRate:
    """A smooth rate: at most `call_count_max` in any `period`, of which `burst` may come at once."""

    call_count_max: int
    period: timedelta
    burst: int


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """All limits that one call must fit into.

    `reserves_per_mille` is what each priority leaves of every limit, in the order of `Priority`. With
    `tracks_in_flight`, the caller tells the end of each granted call (`finish`), and calls that are still under way
    when a window ends count in the next one, where the provider will see them.
    """

    windows: tuple[CallWindow, ...] = ()
    rate: CallRate | None = None
    reserves_per_mille: tuple[int, int, int] = (0, 100, 300)
    tracks_in_flight: bool = False


def open_budget(limits: BudgetLimits) -> Budget:
    """Returns one budget with nothing spent.

    Raises:
        InvalidInputError: a limit is out of range.
    """
    return Budget(
        _windows(limits),
        rate=_rate(limits),
        reserves_per_mille=limits.reserves_per_mille,
        tracks_in_flight=limits.tracks_in_flight,
    )


def open_budget_table(limits: BudgetLimits, *, capacity: int) -> BudgetTable:
    """Returns an empty table of budgets by key.

    At most `capacity` keys are kept. Only a budget that has refilled is forgotten; when none has, a new key must wait.

    Raises:
        InvalidInputError: a limit or the capacity is out of range.
    """
    return BudgetTable(
        _windows(limits),
        capacity=capacity,
        rate=_rate(limits),
        reserves_per_mille=limits.reserves_per_mille,
        tracks_in_flight=limits.tracks_in_flight,
    )


def _windows(limits: BudgetLimits) -> list[tuple[int, int]]:
    return [(window.call_count_max, window.length // _MILLISECOND) for window in limits.windows]


def _rate(limits: BudgetLimits) -> tuple[int, int, int] | None:
    rate = limits.rate
    return None if rate is None else (rate.call_count_max, rate.period // _MILLISECOND, rate.burst)
