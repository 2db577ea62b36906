"""What the books and the history of a sandbox tell."""

from __future__ import annotations

import json
from pathlib import Path

from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.history import FileHistory, history_of
from syncwell.sandbox.strava.sandbox import StravaSandbox
from tests.unit.sandbox.driver import CLIENT, Driver, driving

LISTING = "/api/v3/athlete/activities"


async def test_each_call_is_booked_with_route_and_user(strava: Driver) -> None:
    """A call is booked under its pattern and its own path, with time, person, kind and status."""
    await strava.get("/api/v3/activities/5")
    [call] = (await strava.books())["calls"]

    assert (call["method"], call["path"]) == ("GET", "/api/v3/activities/5")
    assert call["route"] == "/api/v3/activities/{activity_id:int}"
    assert (call["user_id"], call["kind"], call["status"], call["t"]) == ("77", "read", 404, 1_773_133_620_000)


async def test_unknown_paths_are_booked_too(strava: Driver) -> None:
    """A client that calls what does not exist is seen."""
    answer = await strava.get("/api/v3/nothing")

    assert answer.status == 404
    assert (await strava.books())["calls"][0]["kind"] == "unknown"


async def test_books_hold_no_token(strava: Driver) -> None:
    """Tokens, codes and query strings never enter the books."""
    tokens = await strava.connect("77")
    await strava.get(LISTING, after=1, access_token=tokens["access_token"])
    await strava.call("POST", "/oauth/token", data={**CLIENT, "refresh_token": tokens["refresh_token"]})

    text = json.dumps(await strava.books())
    assert tokens["access_token"] not in text
    assert tokens["refresh_token"] not in text
    assert "after" not in text


async def test_reset_starts_an_empty_sandbox(strava: Driver) -> None:
    """After a reset people, records, grants, faults and books are gone and time is real."""
    await strava.fault("status", count=None)
    await strava.control("POST", "/reset")

    books = await strava.books()
    assert (books["calls"], books["records"]) == ([], {})
    assert books["now_ms"] > 1_773_133_620_000
    assert (await strava.get(LISTING)).status == 401


async def test_file_of_books_gets_a_line_a_call(tmp_path: Path) -> None:
    """The file outlives the process that wrote it."""
    path = tmp_path / "books.jsonl"
    async with driving(lambda: StravaSandbox(books_path=path)) as driver:
        await driver.get(LISTING)
        await driver.get(LISTING)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["number"], line["status"]) for line in lines] == [(1, 401), (2, 401)]


async def test_history_tells_invocation_and_outcome(tmp_path: Path) -> None:
    """Each call is an invoke and an outcome: ok, fail, or info where a fault hid it from the caller."""
    clock = MovableClock()
    history = history_of(str(tmp_path), "strava", clock)
    assert isinstance(history, FileHistory)
    async with driving(lambda: StravaSandbox(clock=clock, history=history)) as driver:
        await driver.control("POST", "/users", {"id": "77"})
        await driver.get(LISTING)
        await driver.connect("77")
        await driver.get(LISTING)
        await driver.fault("status", phase="after")
        await driver.get(LISTING)
    history.close()

    events = [json.loads(line) for line in (tmp_path / "sandbox-strava.jsonl").read_text().splitlines()]
    calls = [(event["call"], event["op"]) for event in events if event["kind"] == "strava.call"]
    assert calls == [(1, "invoke"), (1, "fail"), (2, "invoke"), (2, "ok"), (3, "invoke"), (3, "info")]
    assert {event["t"] for event in events} == {1_773_133_620_000}


async def test_same_seed_gives_the_same_ids_and_tokens() -> None:
    """Two runs of the same steps cannot be told apart by their ids."""
    runs = []
    for _ in range(2):
        async with driving(StravaSandbox) as driver:
            await driver.control("POST", "/users", {"id": "77"})
            record = {"user_id": "77", "start": "2026-03-01T07:00:00Z", "elapsed_seconds": 60}
            runs.append((await driver.control("POST", "/records", record), await driver.connect("77")))

    assert runs[0] == runs[1]
