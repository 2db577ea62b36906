"""The walk over upload days: from the window's start to its end or now, gapless, restart-safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.roles import Window
from syncwell.providers.garmin.upload_days import DAY_S, Position, day_in, position_of, upload_params

NOW_S = 20_500 * DAY_S + 40_000


@given(
    start_s=st.integers(0, NOW_S),
    length_s=st.integers(1, NOW_S),
    now_s=st.integers(NOW_S, NOW_S + 3 * DAY_S),
    uploaded_s=st.integers(0, NOW_S),
)
def test_every_upload_of_the_window_is_in_one_step(start_s: int, length_s: int, now_s: int, uploaded_s: int) -> None:
    """Each past moment of the window falls into exactly one asked span of at most a day, and no other day is asked."""
    end_s = start_s + length_s
    position = position_of(None, Window(start_s * 1000, end_s * 1000), now_ms=now_s * 1000)
    assert position is not None
    day = uploaded_s // DAY_S
    params = upload_params(day, now_ms=now_s * 1000)
    start, end = int(params["uploadStartTimeInSeconds"]), int(params["uploadEndTimeInSeconds"])
    assert start <= uploaded_s < end <= start + DAY_S
    assert (position.day <= day <= position.last_day) or not start_s <= uploaded_s < end_s
    assert position.day == start_s // DAY_S
    assert position.last_day == min(now_s, end_s - 1) // DAY_S


def test_walk_visits_each_day_once_and_ends() -> None:
    """Days follow each other up to the day on which the walk began."""
    window = Window((NOW_S - 3 * DAY_S) * 1000, NOW_S * 1000)
    position = position_of(None, window, now_ms=NOW_S * 1000)
    days = []
    while position is not None:
        days.append(position.day)
        following = position.after(given=0, available=0)
        position = None if following is None else position_of(following.cursor, window, now_ms=(NOW_S + DAY_S) * 1000)
    assert days == [20_497, 20_498, 20_499, 20_500]


def test_window_ends_before_its_last_moment() -> None:
    """A window up to midnight does not ask for the day that begins there; one millisecond more does."""
    start_ms, end_ms = 20_000 * DAY_S * 1000, 20_001 * DAY_S * 1000
    assert position_of(None, Window(start_ms, end_ms), now_ms=NOW_S * 1000) == Position(20_000, 20_000)
    assert position_of(None, Window(start_ms, end_ms + 1), now_ms=NOW_S * 1000) == Position(20_000, 20_001)


def test_window_beyond_now_ends_today() -> None:
    """Nothing can have been uploaded after the present moment."""
    window = Window((NOW_S - DAY_S) * 1000, (NOW_S + 9 * DAY_S) * 1000)
    assert position_of(None, window, now_ms=NOW_S * 1000) == Position(20_499, 20_500)


def test_full_day_is_given_in_parts() -> None:
    """A day with more records than a page stays the day, at an offset."""
    assert Position(5, 9).after(given=500, available=700) == Position(5, 9, 500)
    assert Position(5, 9, 500).after(given=700, available=700) == Position(6, 9)
    assert Position(9, 9).after(given=1, available=1) is None


def test_window_in_the_future_has_no_walk() -> None:
    """Nothing can have been uploaded yet."""
    assert (
        position_of(None, Window((NOW_S + 3 * DAY_S) * 1000, (NOW_S + 4 * DAY_S) * 1000), now_ms=NOW_S * 1000) is None
    )


@pytest.mark.parametrize("cursor", ["", "1", "1-2", "1-2-x", "-1-2-3", "9999999-1-1", "1-2-3\n", "1-2-3-4"])
def test_foreign_cursors_are_refused(cursor: str) -> None:
    """Only our own cursors are followed."""
    with pytest.raises(InvalidInputError):
        position_of(cursor, Window(0, 1), now_ms=NOW_S * 1000)


@pytest.mark.parametrize("version", ["", "abc", "1", ".ab", "12.", "12.xyz", "1234567.ab"])
def test_foreign_versions_are_refused(version: str) -> None:
    """A version that does not name its day is not ours."""
    with pytest.raises(InvalidInputError):
        day_in(version)
