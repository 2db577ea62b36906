"""Strava's counting: which call falls in which window, and what odd headers tell."""

from __future__ import annotations

import pytest

from syncwell.providers.call_limits import WindowReport
from syncwell.providers.strava.limits import OVERALL, READ, StravaLimits
from tests.unit.providers.recorded import recorded_exchanges


@pytest.mark.parametrize(
    ("method", "path", "windows"),
    [
        ("GET", "/api/v3/athlete/activities", OVERALL + READ),
        ("GET", "/api/v3/uploads/7", OVERALL + READ),
        ("PUT", "/api/v3/activities/7", OVERALL + READ),
        ("POST", "/api/v3/uploads", OVERALL),
        ("POST", "/api/v3/uploads/", OVERALL),
        ("POST", "/api/v3/activities", OVERALL),
        ("POST", "/oauth/token", ()),
        ("POST", "/oauth/revoke", ()),
    ],
)
def test_calls_fall_in_their_windows(method: str, path: str, windows: tuple[str, ...]) -> None:
    """Uploads are no reads, polls and edits are, token calls are not counted."""
    assert StravaLimits().windows_of(method, path) == windows


def test_recorded_headers_of_a_write_survive() -> None:
    """A read usage that is literally a comma tells nothing, and the overall pair is still read."""
    (answer,) = recorded_exchanges("strava_create_activity.json")
    assert answer.headers["x-readratelimit-usage"] == ","
    assert StravaLimits().reports(answer.headers) == (
        WindowReport("overall_quarter_hour", used=66, limit=200),
        WindowReport("overall_day", used=209, limit=2000),
    )


@pytest.mark.parametrize(
    "usage", ["", ",", ",,", "a,b", "-1,-2", "1.5,2", "٣,٤", "9" * 30, "1e3,2e3", "1", "4,", "½,1", "4,5,6"]
)
def test_odd_headers_never_raise(usage: str) -> None:
    """Whatever stands in a usage header, the parser returns and believes plain numbers only."""
    reports = StravaLimits().reports({"x-ratelimit-limit": "200,2000", "x-ratelimit-usage": usage})
    assert all(0 <= each.used < 10**9 for each in reports)
    assert len(reports) <= 2


def test_missing_headers_tell_nothing() -> None:
    """An answer without rate headers changes no window."""
    (answer,) = recorded_exchanges("strava_not_found_error.json")
    assert StravaLimits().reports(answer.headers) == ()
