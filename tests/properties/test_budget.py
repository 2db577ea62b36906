"""Budgets against the plainest count there is: a list of every call."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from syncwell.domain.budget import BudgetLimits, CallRate, CallWindow, Priority, open_budget, open_budget_table

SECOND = 1_000
SHORT, LONG = 10 * SECOND, 60 * SECOND
RESERVES = (0, 100, 300)

steps = st.lists(
    st.tuples(st.integers(0, 4 * SECOND), st.integers(1, 3), st.sampled_from(Priority)), min_size=1, max_size=120
)


def reserve(limit: int, priority: Priority) -> int:
    return -(-limit * RESERVES[priority] // 1_000)


def spent(calls: list[tuple[int, int]], length_ms: int, now_ms: int) -> int:
    return sum(cost for at_ms, cost in calls if at_ms // length_ms == now_ms // length_ms)


@given(steps, st.integers(5, 20), st.integers(20, 60))
@settings(max_examples=150, deadline=None)
def test_windows_grant_exactly_what_fits(
    asked: list[tuple[int, int, Priority]], short_limit: int, long_limit: int
) -> None:
    """A call is granted if and only if every window has room for it beside the reserve; a refusal names the wait."""
    limits = [(short_limit, SHORT), (long_limit, LONG)]
    windows = tuple(CallWindow(limit, timedelta(milliseconds=length)) for limit, length in limits)
    table = open_budget_table(BudgetLimits(windows=windows, reserves_per_mille=RESERVES), capacity=3)
    calls: list[tuple[int, int]] = []
    now_ms = 0
    for pause_ms, cost, priority in asked:
        now_ms += pause_ms
        full = [
            length for limit, length in limits if spent(calls, length, now_ms) + cost > limit - reserve(limit, priority)
        ]
        wait_ms = table.try_take("strava", cost, priority, now_ms)
        assert wait_ms == max((length - now_ms % length for length in full), default=0)
        if wait_ms == 0:
            calls.append((now_ms, cost))


@given(steps, st.integers(3, 15))
@settings(max_examples=150, deadline=None)
def test_rate_holds_in_every_span(asked: list[tuple[int, int, Priority]], burst: int) -> None:
    """No span of the period, wherever it begins, holds more calls than the limit."""
    limit = 20
    rate = CallRate(limit, timedelta(milliseconds=LONG), burst)
    budget = open_budget(BudgetLimits(rate=rate, reserves_per_mille=(0, 0, 0)))
    calls: list[tuple[int, int]] = []
    now_ms = 0
    for pause_ms, cost, priority in asked:
        now_ms += pause_ms
        if budget.try_take(cost, priority, now_ms) == 0:
            calls.append((now_ms, cost))
    for begin_ms, _ in calls:
        assert sum(cost for at_ms, cost in calls if begin_ms <= at_ms < begin_ms + LONG) <= limit


@given(steps)
@settings(max_examples=100, deadline=None)
def test_rate_grants_at_the_time_it_names(asked: list[tuple[int, int, Priority]]) -> None:
    """Whoever waits as long as told is granted the call, and not a millisecond earlier."""
    budget = open_budget(BudgetLimits(rate=CallRate(20, timedelta(milliseconds=LONG), 10)))
    now_ms = 0
    for pause_ms, cost, priority in asked:
        now_ms += pause_ms
        wait_ms = budget.try_take(cost, priority, now_ms)
        if wait_ms > 0:
            assert budget.try_take(cost, priority, now_ms + wait_ms - 1) > 0
            now_ms += wait_ms
            assert budget.try_take(cost, priority, now_ms) == 0


@given(
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 8 * SECOND)), min_size=1, max_size=150),
    st.integers(2, 9),
)
@settings(max_examples=150, deadline=None)
def test_calls_under_way_count_where_they_arrive(asked: list[tuple[int, int]], limit: int) -> None:
    """As the provider counts arrivals, no window is overrun, though calls arrive and are answered late."""
    window = CallWindow(limit, timedelta(milliseconds=SHORT))
    limits = BudgetLimits(windows=(window,), reserves_per_mille=(0, 0, 0), tracks_in_flight=True)
    budget = open_budget(limits)
    under_way: list[tuple[int, int]] = []
    arrivals: list[int] = []
    now_ms = 0
    for pause_ms, latency_ms in asked:
        now_ms += pause_ms
        for answered_ms, granted_ms in [call for call in under_way if call[0] <= now_ms]:
            budget.finish(1, granted_ms, now_ms)
            under_way.remove((answered_ms, granted_ms))
        if budget.try_take(1, Priority.NORMAL, now_ms) == 0:
            under_way.append((now_ms + latency_ms, now_ms))
            arrivals.append(now_ms + latency_ms)
    for arrived_ms in arrivals:
        assert sum(other // SHORT == arrived_ms // SHORT for other in arrivals) <= limit


@given(st.lists(st.tuples(st.integers(0, 2 * SECOND), st.sampled_from("abcdefgh")), max_size=200), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_full_table_never_forgets_what_was_spent(asked: list[tuple[int, str]], capacity: int) -> None:
    """However many keys compete for few places, no key gets more than its limit in a window."""
    window = CallWindow(3, timedelta(milliseconds=SHORT))
    table = open_budget_table(BudgetLimits(windows=(window,), reserves_per_mille=(0, 0, 0)), capacity=capacity)
    calls: dict[str, list[tuple[int, int]]] = {}
    now_ms = 0
    for pause_ms, key in asked:
        now_ms += pause_ms
        if table.try_take(key, 1, Priority.NORMAL, now_ms) == 0:
            calls.setdefault(key, []).append((now_ms, 1))
            assert spent(calls[key], SHORT, now_ms) <= 3
        assert len(table) <= capacity


@given(
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=80),
    st.integers(5, 15),
)
@settings(max_examples=150, deadline=None)
def test_leases_never_overrun_the_shared_limit(asked: list[tuple[int, int, int]], limit: int) -> None:
    """Calls spent from leases and calls taken directly stay within the limit of their window together."""
    window = CallWindow(limit, timedelta(milliseconds=SHORT))
    budget = open_budget(BudgetLimits(windows=(window,), reserves_per_mille=(0, 0, 0)))
    calls: list[tuple[int, int]] = []
    now_ms = 0
    for pause_ms, wanted, spend in asked:
        leased_ms = now_ms = now_ms + pause_ms
        lease = budget.lease(wanted, Priority.NORMAL, now_ms)
        for _ in range(spend):
            now_ms += 150
            if lease.try_take(1, now_ms) or budget.try_take(1, Priority.NORMAL, now_ms) == 0:
                calls.append((now_ms, 1))
        budget.give_back(lease.close(), leased_ms, now_ms)
        assert spent(calls, SHORT, now_ms) <= limit
