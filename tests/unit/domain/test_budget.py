"""The typed door to budgets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncwell.domain.budget import (
    Budget,
    BudgetLimits,
    BudgetTable,
    CallRate,
    CallWindow,
    Lease,
    Priority,
    open_budget,
    open_budget_table,
)
from syncwell.domain.errors import InvalidInputError

QUARTER = timedelta(minutes=15)
QUARTER_MS = 900_000
LIMITS = BudgetLimits(windows=(CallWindow(100, QUARTER), CallWindow(1_000, timedelta(days=1))))


def take_all(budget: Budget, priority: Priority, now_ms: int) -> int:
    return sum(budget.try_take(1, priority, now_ms) == 0 for _ in range(2_000))


def test_reserves_are_kept_for_higher_priorities() -> None:
    """Bulk leaves three tenths, normal one, and interactive callers may use all."""
    budget = open_budget(LIMITS)
    order = (Priority.BULK, Priority.NORMAL, Priority.INTERACTIVE)
    assert [take_all(budget, priority, 0) for priority in order] == [70, 20, 10]


def test_wait_ends_with_the_window_that_is_full() -> None:
    """A refused caller is told how long, by the window that opens last."""
    budget = open_budget(BudgetLimits(windows=(CallWindow(2, QUARTER), CallWindow(3, 2 * QUARTER))))
    taken = [budget.try_take(1, Priority.INTERACTIVE, now_ms) for now_ms in (5, 5, 5, QUARTER_MS, QUARTER_MS + 1)]
    assert taken == [0, 0, QUARTER_MS - 5, 0, QUARTER_MS - 1]


def test_keys_have_budgets_of_their_own() -> None:
    """What one account spends does not hinder another; a batch is as single calls."""
    table = open_budget_table(BudgetLimits(windows=(CallWindow(1, QUARTER),)), capacity=10)
    assert table.try_take_many(["one", "two", "one"], 1, Priority.INTERACTIVE, 0) == [0, 0, QUARTER_MS]
    assert len(table) == 2


def test_headers_and_losses_reach_the_key() -> None:
    """The provider's own count is taken over; after a loss nothing is granted until it speaks."""
    table = open_budget_table(LIMITS, capacity=10)
    assert table.observe("a", 0, 100, 100, 0)
    assert table.try_take("a", 1, Priority.INTERACTIVE, 0) == QUARTER_MS
    assert table.mark_lost("b", 0)
    assert table.try_take("b", 1, Priority.INTERACTIVE, 0) == 86_400_000
    assert table.observe("b", 0, 1, 100, 0)
    assert table.observe("b", 1, 1, 1_000, 0)
    assert table.try_take("b", 1, Priority.INTERACTIVE, 0) == 0


def test_lease_is_spent_without_asking_and_dies_with_its_window() -> None:
    """A lease grants what it holds, no more, until its window ends; the rest goes back."""
    table = open_budget_table(LIMITS, capacity=10)
    lease = table.lease("a", 5, Priority.BULK, 7)
    assert (lease.granted, lease.expires_ms, lease.left(7)) == (5, QUARTER_MS, 5)
    assert [lease.try_take(2, 8), lease.try_take(2, 8), lease.try_take(2, 8)] == [True, True, False]
    assert not lease.try_take(1, QUARTER_MS)
    assert lease.left(QUARTER_MS) == 0
    table.give_back("a", lease.close(), 7, 9)
    assert table.lease("a", 1_000, Priority.INTERACTIVE, 9).granted == 96
    assert lease.close() == 0


def test_lease_from_a_message_works_as_well() -> None:
    """A lease granted by another process is rebuilt from its two numbers."""
    lease = Lease(1, 100)
    assert [lease.try_take(1, 99), lease.try_take(1, 99)] == [True, False]


def test_call_under_way_at_the_end_counts_in_the_next_window() -> None:
    """With tracking, the next window opens with the calls that the provider will see in it."""
    limits = BudgetLimits(windows=(CallWindow(3, QUARTER),), reserves_per_mille=(0, 0, 0), tracks_in_flight=True)
    budget = open_budget(limits)
    assert take_all(budget, Priority.NORMAL, QUARTER_MS - 1) == 3
    budget.finish(1, QUARTER_MS - 1, QUARTER_MS - 1)
    assert take_all(budget, Priority.NORMAL, QUARTER_MS) == 1


@pytest.mark.parametrize(
    "limits",
    [
        BudgetLimits(),
        BudgetLimits(windows=(CallWindow(0, QUARTER),)),
        BudgetLimits(windows=(CallWindow(-1, QUARTER),)),
        BudgetLimits(windows=(CallWindow(1, timedelta(0)),)),
        BudgetLimits(windows=(CallWindow(2**40, QUARTER),)),
        BudgetLimits(windows=(CallWindow(1, timedelta(days=400)),)),
        BudgetLimits(windows=(CallWindow(1, QUARTER),), reserves_per_mille=(0, 0, 1_000)),
        BudgetLimits(rate=CallRate(5, QUARTER, 5)),
        BudgetLimits(rate=CallRate(5, QUARTER, 0)),
    ],
)
def test_impossible_limits_are_refused(limits: BudgetLimits) -> None:
    """Limits that could never grant a call, or always would, are bad input."""
    with pytest.raises(InvalidInputError):
        open_budget(limits)
    with pytest.raises(InvalidInputError):
        open_budget_table(limits, capacity=1)


@pytest.mark.parametrize(
    ("cost", "priority", "now_ms"),
    [(0, 0, 0), (71, 2, 0), (1, 3, 0), (1, -1, 0), (1, 0, -1), (1, 0, 2**70), (2**40, 0, 0)],
)
def test_impossible_call_is_refused(cost: int, priority: int, now_ms: int) -> None:
    """A call that can never fit is an error, not an endless wait."""
    table: BudgetTable = open_budget_table(LIMITS, capacity=1)
    with pytest.raises(InvalidInputError):
        table.try_take("a", cost, priority, now_ms)


def test_smooth_rate_cannot_be_leased() -> None:
    """Calls spent later would break a rate that holds in every span."""
    with pytest.raises(InvalidInputError):
        open_budget(BudgetLimits(rate=CallRate(10, QUARTER, 2))).lease(1, Priority.NORMAL, 0)
