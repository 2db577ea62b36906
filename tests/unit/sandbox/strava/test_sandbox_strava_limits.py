"""Rate windows of the Strava sandbox."""

from __future__ import annotations

from tests.unit.sandbox.driver import Answer, Driver

LISTING = "/api/v3/athlete/activities"
MANUAL = {"name": "Y", "sport_type": "Yoga", "start_date_local": "2026-02-01T18:00:00", "elapsed_time": "60"}
MINUTE = 60


def usage(answer: Answer) -> tuple[str, str]:
    return answer.headers["X-RateLimit-Usage"], answer.headers["X-ReadRateLimit-Usage"]


async def test_every_answer_tells_limits_and_usage(strava: Driver) -> None:
    """Four headers carry quarter hour and day, overall and for reads."""
    await strava.get(LISTING)
    answer = await strava.get("/api/v3/activities/1")

    assert answer.headers["X-RateLimit-Limit"] == "200,2000"
    assert answer.headers["X-ReadRateLimit-Limit"] == "100,1000"
    assert usage(answer) == ("2,2", "2,2")


async def test_manual_create_is_no_read_and_tells_a_bare_comma(strava: Driver) -> None:
    """A POST of an activity counts overall only, and its read usage is unreadable."""
    created = await strava.call("POST", "/api/v3/activities", data=MANUAL)
    read = await strava.get(LISTING)

    assert usage(created) == ("1,1", ",")
    assert usage(read) == ("2,2", "1,1")


async def test_spent_reads_are_refused_while_writes_go_on(strava: Driver) -> None:
    """The read window is its own; its 429 has a text where other errors have a list, and no Retry-After."""
    await strava.settings(quarter_read_limit=2)
    answers = [await strava.get(LISTING) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json == {"errors": "Rate Limit Exceeded", "status": 429, "message": "Too Many Requests"}
    assert "Retry-After" not in answers[2].headers
    assert (await strava.call("POST", "/api/v3/activities", data=MANUAL)).status == 201


async def test_quarter_ends_on_the_quarter_hour(strava: Driver) -> None:
    """At 09:07 the window ends at 09:15 and not fifteen minutes later."""
    await strava.settings(quarter_limit=1)
    await strava.get(LISTING)
    await strava.advance(8 * MINUTE - 1)
    before = await strava.get(LISTING)
    await strava.advance(1)
    after = await strava.get(LISTING)

    assert (before.status, after.status) == (429, 200)


async def test_refused_calls_count_towards_the_day(strava: Driver) -> None:
    """A client that hammers on through 429 spends its day."""
    await strava.settings(quarter_limit=1, day_limit=3)
    statuses = [(await strava.get(LISTING)).status for _ in range(3)]
    await strava.advance(15 * MINUTE)
    next_quarter = await strava.get(LISTING)
    await strava.advance(15 * 60 * MINUTE)
    await strava.connect("77")
    next_day = await strava.get(LISTING)

    assert statuses == [200, 429, 429]
    assert (next_quarter.status, usage(next_quarter)[0]) == (429, "1,4")
    assert (next_day.status, usage(next_day)[0]) == (200, "1,1")


async def test_limits_are_the_application_s_not_the_person_s(strava: Driver) -> None:
    """All people draw from one budget."""
    await strava.settings(quarter_limit=1)
    await strava.get(LISTING)
    await strava.control("POST", "/users", {"id": "78"})
    await strava.connect("78")

    assert (await strava.get(LISTING)).status == 429


async def test_books_show_each_window_with_its_calls(strava: Driver) -> None:
    """The books prove whether a budget was kept."""
    await strava.get(LISTING)
    await strava.advance(15 * MINUTE)
    await strava.get(LISTING)

    windows = (await strava.books())["windows"]
    assert [window["calls"] for window in windows if window["window"] == "quarter"] == [1, 1]
    assert [window["calls"] for window in windows if window["window"] == "day"] == [2]
