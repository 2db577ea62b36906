"""Faults on demand, on both sides of the deed."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.unit.sandbox.driver import Driver

MANUAL = {"name": "Y", "sport_type": "Yoga", "start_date_local": "2026-02-01T18:00:00", "elapsed_time": "60"}
ATHLETE = "/api/v3/athlete"


async def create(driver: Driver) -> int:
    return (await driver.call("POST", "/api/v3/activities", data=MANUAL)).status


async def created_count(driver: Driver) -> int:
    return len((await driver.books())["records"]["77"])


async def test_status_fault_speaks_the_provider_s_words_and_is_used_up(strava: Driver) -> None:
    """A fault of count one breaks one call, with its headers; the next is served."""
    await strava.fault("status", status=429, headers={"Retry-After": "7"}, route=ATHLETE)
    first, second = await strava.get(ATHLETE), await strava.get(ATHLETE)

    assert (first.status, first.headers["Retry-After"], first.json["errors"]) == (429, "7", "Rate Limit Exceeded")
    assert second.status == 200


async def test_fault_keeps_to_route_method_user_and_skip(strava: Driver) -> None:
    """A fault waits for the call that it is meant for."""
    await strava.fault("status", route="/api/v3/activities*", method="GET", user_id="77", skip=1)

    assert (await strava.get(ATHLETE)).status == 200
    assert await create(strava) == 201
    assert (await strava.get("/api/v3/activities/1")).status == 404
    assert (await strava.get("/api/v3/activities/1")).status == 503


async def test_endless_fault_lasts_until_it_is_cleared(strava: Driver) -> None:
    """A fault without a count breaks every call."""
    await strava.fault("status", status=500, count=None)
    broken = [(await strava.get(ATHLETE)).status for _ in range(3)]
    await strava.control("DELETE", "/faults")

    assert broken == [500, 500, 500]
    assert (await strava.get(ATHLETE)).status == 200


async def test_dropped_before_nothing_is_done(strava: Driver) -> None:
    """The connection dies and the write did not happen."""
    await strava.fault("drop", method="POST")
    with pytest.raises(aiohttp.ClientConnectionError):
        await create(strava)

    assert await created_count(strava) == 0


async def test_dropped_after_the_write_stands(strava: Driver) -> None:
    """The connection dies although the write happened: the outcome is unknown to the caller."""
    await strava.fault("drop", method="POST", phase="after")
    with pytest.raises(aiohttp.ClientConnectionError):
        await create(strava)

    assert await created_count(strava) == 1
    assert (await strava.books())["calls"][-1]["fault"] == "drop:after"


async def test_status_after_the_write_hides_a_success(strava: Driver) -> None:
    """A 502 can cover a write that was taken."""
    await strava.fault("status", method="POST", status=502, phase="after")

    assert await create(strava) == 502
    assert await created_count(strava) == 1


async def test_truncated_body_ends_in_the_middle(strava: Driver) -> None:
    """The promised length never comes."""
    await strava.fault("truncate")
    with pytest.raises(aiohttp.ClientPayloadError):
        await strava.get(ATHLETE)


async def test_html_and_wrong_type(strava: Driver) -> None:
    """An HTML page may come with 200, and JSON under another name."""
    await strava.fault("html", status=200)
    await strava.fault("wrong_type")
    page, plain = await strava.get(ATHLETE), await strava.get(ATHLETE)

    assert (page.status, page.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert (plain.json["id"], plain.headers["Content-Type"].split(";")[0]) == (77, "text/plain")


async def test_latency_makes_a_caller_wait(strava: Driver) -> None:
    """A slow call outlasts a short deadline; it is served all the same."""
    await strava.fault("latency", latency_ms=400, route="/oauth/*")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await strava.call("POST", "/oauth/token", data={})


async def test_flood_sends_as_much_as_ordered(strava: Driver) -> None:
    """A body can be made longer than any client should read."""
    await strava.fault("flood", body_bytes=200_000)

    assert len((await strava.get(ATHLETE)).body) == 200_000


async def test_dribble_sends_the_right_body_slowly(strava: Driver) -> None:
    """Every byte comes, one by one."""
    await strava.fault("dribble", latency_ms=0)

    assert (await strava.get(ATHLETE)).json["id"] == 77


@pytest.mark.parametrize(
    "order", [{"kind": "explode"}, {"kind": "status", "status": 99}, {"kind": "latency", "latency_ms": -1}, {"x": 1}]
)
async def test_nonsense_orders_are_refused(strava: Driver, order: dict[str, object]) -> None:
    """The control API says what is wrong with an order."""
    answer = await strava.call("POST", "/_control/faults", json=order)

    assert (answer.status, set(answer.json)) == (400, {"error"})
