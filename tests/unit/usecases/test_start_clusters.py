"""The windows in which copies are looked for."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from syncwell.domain.records import RecordMetadata
from syncwell.ports.roles import Window
from syncwell.usecases.start_clusters import CLUSTERS_MAX, windows_around
from tests.unit.fakes.sync_world import HOUR_MS, metadata_of

DAY_MS = 24 * HOUR_MS
SLACK = timedelta(days=1)
FOREVER_MS = 1 << 53


def starting_on(*days: int, elapsed_ms: int = HOUR_MS) -> list[RecordMetadata]:
    """Returns a record for each day."""
    return [metadata_of(f"r{n}", day * DAY_MS, elapsed_ms=elapsed_ms) for n, day in enumerate(days)]


def days_of(*windows: Window) -> list[tuple[int, int]]:
    """Returns windows in days, rounded outwards."""
    return [(window.start_ms // DAY_MS, -(-window.end_ms // DAY_MS)) for window in windows]


def test_years_between_are_left_out() -> None:
    """A ride of today and one of three years ago are two windows, each a day wider on both sides."""
    assert windows_around(starting_on(2000, 900), slack=SLACK, until_ms=FOREVER_MS) == (
        Window(899 * DAY_MS, 901 * DAY_MS + HOUR_MS),
        Window(1999 * DAY_MS, 2001 * DAY_MS + HOUR_MS),
    )


def test_gap_of_thirty_days_divides() -> None:
    """A millisecond less than 30 days from end to start is one window, 30 days are two."""
    near = [*starting_on(100), metadata_of("b", 130 * DAY_MS + HOUR_MS - 1)]
    far = [*starting_on(100), metadata_of("b", 130 * DAY_MS + HOUR_MS)]
    assert len(windows_around(near, slack=SLACK, until_ms=FOREVER_MS)) == 1
    assert len(windows_around(far, slack=SLACK, until_ms=FOREVER_MS)) == 2


def test_long_record_reaches_over_shorter_ones() -> None:
    """The gap is counted from the latest end so far, not from the record just before."""
    records = [metadata_of("long", 100 * DAY_MS, elapsed_ms=25 * DAY_MS), *starting_on(101, 140)]
    assert days_of(*windows_around(records, slack=SLACK, until_ms=FOREVER_MS)) == [(99, 142)]


def test_nearest_are_joined_beyond_twelve() -> None:
    """Of thirteen groups the two with the smallest gap between them become one."""
    days = [n * 100 for n in range(1, 14)]
    days[7] -= 40
    found = days_of(*windows_around(starting_on(*days), slack=SLACK, until_ms=FOREVER_MS))
    assert len(found) == CLUSTERS_MAX
    assert found[6] == (days[6] - 1, days[7] + 2)


def test_windows_end_with_the_present() -> None:
    """Nothing is asked of the future, but a window is never empty."""
    records = starting_on(100, 900)
    assert windows_around(records, slack=SLACK, until_ms=100 * DAY_MS) == (
        Window(99 * DAY_MS, 100 * DAY_MS),
        Window(899 * DAY_MS, 899 * DAY_MS + 1),
    )


def test_no_records_no_windows() -> None:
    """Nothing to look for costs no call."""
    assert windows_around([], slack=SLACK, until_ms=FOREVER_MS) == ()


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60))
def test_every_record_is_inside_one_of_few_disjoint_windows(days: list[int]) -> None:
    """Whatever the starts, each with its slack lies in exactly one window, and windows never overlap."""
    records = starting_on(*days)
    windows = windows_around(records, slack=SLACK, until_ms=FOREVER_MS)
    assert 1 <= len(windows) <= CLUSTERS_MAX
    assert all(earlier.end_ms <= later.start_ms for earlier, later in pairwise(windows))
    for record in records:
        reach = max(0, record.start_ms - DAY_MS), record.end_ms + DAY_MS
        assert sum(window.start_ms <= reach[0] and reach[1] <= window.end_ms for window in windows) == 1
