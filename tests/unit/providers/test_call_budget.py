"""The call budget: all windows or none, zero overshoot, corrected by the provider, never given back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncwell.domain.errors import ProviderThrottledError
from syncwell.domain.jobs import Priority
from syncwell.providers.call_budget import CallBudget
from syncwell.providers.call_limits import CallWindow
from syncwell.providers.strava.limits import StravaLimits
from tests.unit.fakes.clock import FakeClock

QUARTER_MS = 900_000
READ = ("GET", "/api/v3/athlete/activities")
UPLOAD = ("POST", "/api/v3/uploads")


def small(quarter: int, day: int, read_quarter: int, read_day: int) -> StravaLimits:
    """Returns Strava's counting with other limits."""
    names = ("overall_quarter_hour", "overall_day", "read_quarter_hour", "read_day")
    lengths = (timedelta(minutes=15), timedelta(days=1)) * 2
    limits = (quarter, day, read_quarter, read_day)
    return StravaLimits(tuple(CallWindow(*each) for each in zip(names, lengths, limits, strict=True)))


def spend(budget: CallBudget, count: int, call: tuple[str, str] = READ, priority: Priority = Priority.HIGH) -> None:
    """Makes calls that are answered at once, without headers."""
    for _ in range(count):
        budget.finish(budget.take(*call, priority))


def clock_at_quarter() -> FakeClock:
    """Returns a clock that stands at the beginning of a quarter hour, far from midnight."""
    clock = FakeClock()
    clock.advance(timedelta(milliseconds=QUARTER_MS - clock.now_ms() % QUARTER_MS))
    return clock


def test_spent_window_says_when_it_ends() -> None:
    """The call beyond the limit is refused until the very end of the window."""
    clock = clock_at_quarter()
    budget = CallBudget("strava", small(10, 100, 3, 100), clock)
    spend(budget, 3)
    clock.advance(timedelta(minutes=4))
    with pytest.raises(ProviderThrottledError) as caught:
        budget.take(*READ, Priority.HIGH)
    assert caught.value.retry_after == timedelta(minutes=11)
    clock.advance(caught.value.retry_after)
    spend(budget, 3)


def test_day_outlives_quarters() -> None:
    """When the day is spent, the next quarter hour does not help."""
    clock = clock_at_quarter()
    budget = CallBudget("strava", small(10, 100, 10, 4), clock)
    spend(budget, 4)
    clock.advance(timedelta(minutes=15))
    with pytest.raises(ProviderThrottledError) as caught:
        budget.take(*READ, Priority.HIGH)
    assert caught.value.retry_after > timedelta(hours=1)


def test_refused_call_costs_nothing_in_the_other_windows() -> None:
    """A call that one window refuses is not counted in the others."""
    budget = CallBudget("strava", small(5, 100, 2, 100), clock_at_quarter())
    spend(budget, 2)
    for _ in range(20):
        with pytest.raises(ProviderThrottledError):
            budget.take(*READ, Priority.HIGH)
    spend(budget, 3, UPLOAD)
    assert (budget.calls_granted, budget.calls_refused) == (5, 20)


def test_lower_priorities_leave_a_reserve() -> None:
    """Bulk work leaves three tenths, ordinary work one tenth, interactive work may use everything."""
    budget = CallBudget("strava", small(100, 1000, 100, 1000), clock_at_quarter())
    spend(budget, 70, priority=Priority.LOW)
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.LOW)
    spend(budget, 20, priority=Priority.MEDIUM)
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.MEDIUM)
    spend(budget, 10)
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.HIGH)


def test_reports_raise_the_count_and_replace_limits() -> None:
    """What the provider has counted already is not granted again, under the limits that it tells."""
    budget = CallBudget("strava", small(200, 2000, 100, 1000), clock_at_quarter())
    grant = budget.take(*READ, Priority.HIGH)
    headers = {"x-readratelimit-limit": "50,1000", "x-readratelimit-usage": "48,60"}
    budget.observe(headers, grant)
    spend(budget, 2)
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.HIGH)


def test_old_reports_do_not_lower_the_count() -> None:
    """An answer that comes late tells fewer calls than we made, and is not believed."""
    budget = CallBudget("strava", small(200, 2000, 5, 1000), clock_at_quarter())
    first = budget.take(*READ, Priority.HIGH)
    spend(budget, 4)
    budget.observe({"x-readratelimit-limit": "5,1000", "x-readratelimit-usage": "1,1"}, first)
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.HIGH)


def test_report_of_an_ended_window_is_ignored() -> None:
    """An answer that crosses the quarter hour tells of the old window; the new one begins empty."""
    clock = clock_at_quarter()
    budget = CallBudget("strava", small(200, 2000, 100, 1000), clock)
    grant = budget.take(*READ, Priority.HIGH)
    clock.advance(timedelta(minutes=15))
    budget.observe({"x-readratelimit-limit": "100,1000", "x-readratelimit-usage": "100,200"}, grant)
    budget.take(*READ, Priority.HIGH)


def test_calls_under_way_count_in_the_window_that_begins() -> None:
    """A call that may arrive after the quarter hour is counted on both sides of it."""
    clock = clock_at_quarter()
    budget = CallBudget("strava", small(200, 2000, 3, 1000), clock)
    grants = [budget.take(*READ, Priority.HIGH) for _ in range(3)]
    clock.advance(timedelta(minutes=15))
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.HIGH)
    for grant in grants:
        budget.finish(grant)
        budget.finish(grant)


def test_refusal_without_headers_closes_the_shortest_window() -> None:
    """A 429 that explains nothing is taken as the shortest window being spent."""
    clock = clock_at_quarter()
    budget = CallBudget("strava", StravaLimits(), clock)
    grant = budget.take(*READ, Priority.HIGH)
    assert budget.refused({}, grant) == timedelta(minutes=15)
    with pytest.raises(ProviderThrottledError):
        budget.take(*READ, Priority.HIGH)
    clock.advance(timedelta(minutes=15))
    spend(budget, 1)


def test_uncounted_calls_are_free() -> None:
    """Token calls are in no window and never wait."""
    budget = CallBudget("strava", small(1, 1, 1, 1), clock_at_quarter())
    spend(budget, 10, ("POST", "/oauth/token"))
    assert budget.refused({}, budget.take("POST", "/oauth/token", Priority.HIGH)) == timedelta(0)
