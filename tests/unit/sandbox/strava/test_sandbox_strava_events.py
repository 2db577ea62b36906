"""Subscriptions and events of the Strava sandbox, received by a real application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.conformance.sandbox.shapes import recorded, recorded_bodies, wrong_types
from tests.unit.sandbox.driver import CLIENT, Answer, Driver
from tests.unit.sandbox.files import tcx
from tests.unit.sandbox.strava.uploading import upload

PATH = "/api/v3/push_subscriptions"
RUN = {"user_id": "77", "start": "2026-03-01T07:00:00Z", "elapsed_seconds": 60, "name": "Old"}


class Application:
    """Answers the challenge and keeps the events; `statuses` are answered in turn, then 200."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.challenge_type = "application/json"
        self.challenge_status = 200
        self.verify_tokens: list[str] = []
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()  # Any: whatever the sandbox sends

    async def challenge(self, request: web.Request) -> web.Response:
        self.verify_tokens.append(request.query["hub.verify_token"])
        body = json.dumps({"hub.challenge": request.query["hub.challenge"]})
        return web.Response(text=body, content_type=self.challenge_type, status=self.challenge_status)

    async def event(self, request: web.Request) -> web.Response:
        self.events.put_nowait(await request.json())
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.events.get(), 5)


@asynccontextmanager
async def running() -> AsyncIterator[Application]:
    application = Application()
    server = web.Application()
    server.add_routes([web.get("/hook", application.challenge), web.post("/hook", application.event)])
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield application
    finally:
        await runner.cleanup()


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with running() as application:
        yield application


async def subscribe(driver: Driver, application: Application) -> Answer:
    form = {**CLIENT, "callback_url": application.url, "verify_token": "tell-me"}
    return await driver.call("POST", PATH, data=form)


async def settled(driver: Driver, count: int) -> list[dict[str, Any]]:
    """Returns the events of the books once `count` of them wait no more."""
    async with asyncio.timeout(5):
        while True:
            events: list[dict[str, Any]] = (await driver.books())["events"]
            if sum(not event["waits"] for event in events) >= count:
                return events


async def test_subscription_starts_with_the_challenge(strava: Driver, application: Application) -> None:
    """The application proves its address; there is one subscription, and it can be listed and deleted."""
    created = await subscribe(strava, application)
    again = await subscribe(strava, application)
    listed = await strava.get(PATH, **CLIENT)
    deleted = await strava.call("DELETE", f"{PATH}/{created.json['id']}", params=CLIENT)

    assert (created.status, application.verify_tokens) == (201, ["tell-me"])
    assert wrong_types(created.json, recorded_bodies("strava/create_push_subscription")) == {}
    assert set(created.json) == set(recorded_bodies("strava/create_push_subscription")[0])
    assert (again.status, again.json["errors"][0]["code"]) == (400, "already exists")
    assert listed.json == [created.json]
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await strava.get(PATH, **CLIENT)).json == []


async def test_challenge_must_be_met_as_json(strava: Driver, application: Application) -> None:
    """A right challenge under a wrong status or content type, or none at all, is refused."""
    application.challenge_status = 201
    odd = await subscribe(strava, application)
    application.challenge_status, application.challenge_type = 200, "text/plain"
    wrong = await subscribe(strava, application)
    application.url = application.url.replace("/hook", "/nothing")
    missing = await subscribe(strava, application)

    assert (odd.status, wrong.status, missing.status) == (400, 400, 400)


async def test_subscription_needs_the_client(strava: Driver, application: Application) -> None:
    """Without the right secret nothing is shown or made."""
    form = {**CLIENT, "client_secret": "wrong", "callback_url": application.url}

    assert (await strava.call("POST", PATH, data=form)).status == 401
    assert (await strava.get(PATH, client_id=CLIENT["client_id"])).status == 401
    assert (await strava.call("DELETE", f"{PATH}/1")).status == 401


async def test_upload_edit_and_delete_are_told(strava: Driver, application: Application) -> None:
    """Each change of an activity is an event in the documented shape, with no data in it."""
    await subscribe(strava, application)
    done = await upload(strava, tcx(), name="Old")
    number = done["activity_id"]
    await strava.call("PUT", f"/api/v3/activities/{number}", data={"name": "Messy"})
    await strava.control("PATCH", f"/records/{number}", {"sport_type": "Walk", "private": True})
    await strava.control("DELETE", f"/records/{number}")
    events = [await application.next() for _ in range(4)]

    assert [(event["aspect_type"], event["updates"]) for event in events] == [
        ("create", {}),
        ("update", {"title": "Messy"}),
        ("update", {"type": "Walk", "private": "true"}),
        ("delete", {}),
    ]
    sample = recorded("strava/webhook_event")
    for event in events:
        assert set(event) == set(sample)
        assert wrong_types(event, [sample]) == {}
        assert (event["object_id"], event["owner_id"], event["object_type"]) == (number, 77, "activity")


async def test_leaving_the_application_is_told(strava: Driver, application: Application) -> None:
    """Both ways out, the application's and the person's, end in the same event about the athlete."""
    await subscribe(strava, application)
    await strava.call("POST", "/oauth/deauthorize")
    first = await application.next()
    await strava.connect("77")
    await strava.control("POST", "/grants/revoke", {"user_id": "77"})
    second = await application.next()

    assert first == second
    assert (first["object_type"], first["object_id"], first["updates"]) == ("athlete", 77, {"authorized": "false"})


async def test_event_is_tried_three_times_in_all(strava: Driver, application: Application) -> None:
    """An answer other than 200 is followed by two more attempts, each after the set time, and then by none."""
    await subscribe(strava, application)
    application.statuses = [500, 404, 503]
    await strava.control("POST", "/records", RUN)
    first = await application.next()
    assert application.events.empty()
    await strava.advance(120)
    second = await application.next()
    await strava.advance(120)
    third = await application.next()
    [event] = await settled(strava, 1)

    assert first == second == third
    assert event["statuses"] == [500, 404, 503]


async def test_event_taken_at_the_second_attempt_ends(strava: Driver, application: Application) -> None:
    """A 200 is the end of it."""
    await subscribe(strava, application)
    application.statuses = [500]
    await strava.control("POST", "/records", RUN)
    await application.next()
    await strava.advance(120)
    await application.next()
    [event] = await settled(strava, 1)

    assert event["statuses"] == [500, 200]


async def test_held_events_come_twice_and_newest_first(strava: Driver, application: Application) -> None:
    """Copies and disorder, which the real service can produce, can be ordered."""
    await subscribe(strava, application)
    await strava.settings(hold_events=True, event_copies=2, newest_event_first=True)
    await strava.control("POST", "/records", [RUN, {**RUN, "start": "2026-03-02T07:00:00Z"}])
    assert application.events.empty()
    await strava.settings(hold_events=False)
    told = [(await application.next())["object_id"] for _ in range(4)]

    assert told == [8_300_000_002, 8_300_000_002, 8_300_000_001, 8_300_000_001]


async def test_unreachable_application_holds_nothing_up(strava: Driver) -> None:
    """An address that no longer answers costs attempts, not the sandbox."""
    async with running() as application:
        await subscribe(strava, application)
    await strava.control("POST", "/records", RUN)
    await strava.advance(120)
    await strava.advance(120)

    assert (await strava.get("/api/v3/athlete/activities")).status == 200


async def test_reset_ends_the_subscription(strava: Driver, application: Application) -> None:
    """A fresh sandbox tells nobody, and its own events flow again after a new subscription."""
    await subscribe(strava, application)
    await strava.control("POST", "/reset")
    await strava.control("POST", "/users", {"id": "77"})
    await strava.control("POST", "/records", RUN)
    assert (await strava.get(PATH, **CLIENT)).json == []
    await subscribe(strava, application)
    await strava.control("POST", "/records", {**RUN, "start": "2026-03-02T07:00:00Z"})

    assert (await application.next())["object_id"] == 8_300_000_002
    assert application.events.empty()
