"""The stub lists the same workouts as both services would."""

from __future__ import annotations

import json

from bench.load.stub_provider import DAY_S, Answers

NOW_S = 20_000 * DAY_S + 50_000
GARMIN = "/wellness-api/rest/activities?uploadStartTimeInSeconds={}&uploadEndTimeInSeconds=0"


def test_garmin_lists_on_the_upload_day_only() -> None:
    """Today's uploads hold two activities, yesterday's none."""
    answers = Answers(NOW_S)

    today = json.loads(answers.body_for(GARMIN.format(20_000 * DAY_S)))
    yesterday = json.loads(answers.body_for(GARMIN.format(19_999 * DAY_S)))

    assert len(today) == 2
    assert yesterday == []


def test_strava_ends_with_an_empty_page() -> None:
    """The second page is empty."""
    answers = Answers(NOW_S)

    assert len(json.loads(answers.body_for("/api/v3/athlete/activities?page=1&per_page=200"))) == 2
    assert json.loads(answers.body_for("/api/v3/athlete/activities?page=2&per_page=200")) == []


def test_calls_are_counted_but_the_question_is_not() -> None:
    """The count is that of provider calls."""
    answers = Answers(NOW_S)
    for page in (1, 2):
        answers.body_for(f"/api/v3/athlete/activities?page={page}")

    assert answers.body_for("/count") == answers.body_for("/count") == b"2"
