"""The Garmin adapter against the Garmin sandbox, over real sockets."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import aiohttp
import pytest
from yarl import URL

from syncwell.domain.errors import (
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ReauthenticationNeededError,
)
from syncwell.domain.records import DataType, RecordId, RecordMetadata, Sport
from syncwell.ports.roles import Source, Window
from syncwell.providers.conformance import SeededRecord, World, judge
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.people import Person
from tests.conformance.providers.worlds import ATHLETE, NOW, Stage, fit_base64, seed, seeded_of, staged, workout_at

REDIRECT = "http://127.0.0.1:8080/v1/connections/garmin/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
DAY_MS = 86_400_000
NOW_MS = round(NOW.timestamp() * 1000)
WINDOW = Window(start_ms=NOW_MS - 10 * DAY_MS, end_ms=NOW_MS)


@pytest.fixture
async def stage() -> AsyncIterator[Stage[GarminSandbox]]:
    settings = garmin_settings(client_id="sandbox-client", client_secret="sandbox-secret")
    async with staged(GarminSandbox, settings) as running:
        yield running


@pytest.fixture
def source(stage: Stage[GarminSandbox]) -> Source:
    assert stage.provider.source is not None
    return stage.provider.source


async def list_all(stage: Stage[GarminSandbox], source: Source, window: Window = WINDOW) -> list[RecordMetadata]:
    """Returns every page in order."""
    found: list[RecordMetadata] = []
    cursor: str | None = None
    while True:
        page = await source.fetch_metadata(stage.session, DataType.WORKOUT, window, cursor=cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            return found


def seed_recording(
    stage: Stage[GarminSandbox], start: datetime, *, uploaded_at: datetime | None = None, title: str = "Run"
) -> str:
    """Seeds one recording and returns its id."""
    workout = workout_at(start, title=title)
    (record_id,) = seed(
        stage.sandbox,
        {
            "file": fit_base64(workout),
            "uploaded_at": (uploaded_at or start + timedelta(hours=1)).isoformat(),
            "activity": {"activityName": title},
        },
    )
    return record_id


async def test_adapter_conforms(stage: Stage[GarminSandbox]) -> None:
    """Every conformance check finds nothing wrong."""
    inside = [
        workout_at(NOW - timedelta(days=5 - index), sport=sport, title=f"Workout {index}")
        for index, sport in enumerate((Sport.RUN, Sport.RIDE, Sport.HIKE))
    ]
    ids = seed(
        stage.sandbox,
        *(
            {
                "file": fit_base64(each),
                "uploaded_at": (each.start_time.ToDatetime(NOW.tzinfo) + timedelta(hours=1)).isoformat(),
                "activity": {"activityName": each.title},
            }
            for each in inside
        ),
    )
    # The window means uploads: started three months ago and uploaded yesterday is inside, uploaded too early is not.
    late_start, outsider_start = NOW - timedelta(days=90), NOW - timedelta(days=21)
    manual, outsider = seed(
        stage.sandbox,
        *(
            {
                "uploaded_at": uploaded_at.isoformat(),
                "activity": {
                    "startTimeInSeconds": round(start.timestamp()),
                    "durationInSeconds": 1800,
                    "activityType": "YOGA",
                    "activityName": "By hand",
                    "manual": True,
                },
            }
            for start, uploaded_at in (
                (late_start, NOW - timedelta(days=1)),
                (outsider_start, outsider_start + timedelta(hours=1)),
            )
        ),
    )
    late_start_ms = round(late_start.timestamp() * 1000)
    by_hand = SeededRecord(RecordId(manual), Sport.YOGA, late_start_ms, 1_800_000, "By hand", has_track=False)
    world = World(
        provider=stage.provider,
        session=stage.session,
        window=WINDOW,
        records=(*(seeded_of(record_id, each) for record_id, each in zip(ids, inside, strict=True)), by_hand),
        outsiders=(RecordId(outsider),),
        gone=RecordId("1"),
        workout=workout_at(NOW),
        settle=stage.settle,
    )
    assert await judge(world) == ()


async def test_late_upload_of_an_old_start_is_listed(stage: Stage[GarminSandbox], source: Source) -> None:
    """A record that was uploaded today is listed by a window of the last day, however long ago it started."""
    start = NOW - timedelta(days=90)
    record_id = seed_recording(stage, start, uploaded_at=NOW - timedelta(minutes=1))
    (listed,) = await list_all(stage, source, Window(start_ms=NOW_MS - DAY_MS, end_ms=NOW_MS))
    assert (listed.record_id, listed.start_ms) == (record_id, round(start.timestamp() * 1000))
    start_ms = listed.start_ms
    assert await list_all(stage, source, Window(start_ms=start_ms - DAY_MS, end_ms=start_ms + DAY_MS)) == []


async def test_every_second_of_upload_time_is_asked_once(stage: Stage[GarminSandbox], source: Source) -> None:
    """Records uploaded at the edges of days are each listed exactly once."""
    midnight = NOW.replace(hour=0, minute=0)
    edges = (midnight - timedelta(seconds=1), midnight, midnight + timedelta(seconds=1))
    ids = [seed_recording(stage, edge - timedelta(hours=2), uploaded_at=edge) for edge in edges]
    assert [each.record_id for each in await list_all(stage, source)] == ids


async def test_walk_goes_on_after_a_restart(stage: Stage[GarminSandbox], source: Source) -> None:
    """A cursor continues the walk on an adapter that never saw its beginning, payloads included."""
    record_id = seed_recording(stage, NOW - timedelta(days=2))
    first = await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    restarted = type(source)(stage.clock)  # type: ignore[call-arg]  # the protocol says nothing of construction
    found: list[RecordMetadata] = []
    cursor = first.cursor
    while cursor is not None:
        page = await restarted.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW, cursor=cursor)
        found += page.records
        cursor = page.cursor
    again = type(source)(stage.clock)  # type: ignore[call-arg]  # as above
    payloads = [each async for each in again.fetch_payloads(stage.session, found)]
    assert [each.record_id for each in found] == [record_id]
    assert [each[0] for each in payloads] == [record_id]


async def test_edit_is_a_new_version_and_overrides_the_file(stage: Stage[GarminSandbox], source: Source) -> None:
    """An edited title and sport arrive by a new version, and win over what the recording says."""
    record_id = seed_recording(stage, NOW - timedelta(days=2), title="Before")
    (before,) = await list_all(stage, source)
    stage.sandbox.edit_record(
        record_id, json.dumps({"activity": {"activityName": "After", "activityType": "TRAIL_RUNNING"}}).encode()
    )
    await stage.clock.sleep(timedelta(seconds=2))
    after = (await list_all(stage, source))[-1]
    assert after.record_id == before.record_id
    assert after.version != before.version
    payloads = [each async for each in source.fetch_payloads(stage.session, [after])]
    workout = payloads[0][1]
    assert workout is not None
    assert (workout.title, Sport(workout.sport)) == ("After", Sport.TRAIL_RUN)
    assert sum(len(each.points) for each in workout.segments) == 181


async def test_unchanged_record_keeps_its_version_in_another_run(stage: Stage[GarminSandbox], source: Source) -> None:
    """A version does not depend on the window that was asked, nor on the hour of the run."""
    seed_recording(stage, NOW - timedelta(days=2))
    first = await list_all(stage, source)
    await stage.clock.sleep(timedelta(hours=5))
    second = await list_all(stage, source, Window(start_ms=NOW_MS - 3 * DAY_MS, end_ms=NOW_MS))
    assert first == second


async def test_deleted_record_is_none(stage: Stage[GarminSandbox], source: Source) -> None:
    """A record deleted between listing and hydration is given as gone."""
    record_id = seed_recording(stage, NOW - timedelta(days=2))
    listed = await list_all(stage, source)
    stage.sandbox.delete_record(record_id)
    assert [each async for each in source.fetch_payloads(stage.session, listed)] == [(record_id, None)]


async def test_missing_recording_is_named(stage: Stage[GarminSandbox], source: Source) -> None:
    """A recorded activity without a file is an error that names the record, never an empty track."""
    start_s = round((NOW - timedelta(days=1)).timestamp())
    (record_id,) = seed(
        stage.sandbox, {"activity": {"startTimeInSeconds": start_s, "durationInSeconds": 60, "manual": False}}
    )
    listed = await list_all(stage, source)
    with pytest.raises(ProviderInvalidAnswerError) as caught:
        _ = [each async for each in source.fetch_payloads(stage.session, listed)]
    assert caught.value.fields["record_id"] == record_id


async def test_consent_to_revocation(stage: Stage[GarminSandbox]) -> None:
    """Consent with PKCE, exchange, refresh and revocation work, and a dead grant needs the person."""
    oauth = stage.provider.oauth
    assert oauth is not None
    callback = await consent(oauth.consent_url(state="s-1", code_challenge=CHALLENGE, redirect_uri=REDIRECT))
    assert callback["state"] == "s-1"
    grant = await oauth.exchange(code=callback["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)
    assert grant.external_user_id == ATHLETE
    assert "ACTIVITY_EXPORT" in grant.scopes
    assert grant.expires_at_ms > stage.clock.now_ms()

    fresh = await oauth.refresh(grant.refresh_token)
    assert fresh.refresh_token != grant.refresh_token
    assert fresh.external_user_id == ""
    with pytest.raises(ReauthenticationNeededError):
        await oauth.refresh(grant.refresh_token)

    await oauth.revoke(fresh.access_token)
    await oauth.revoke(fresh.access_token)
    with pytest.raises(ReauthenticationNeededError):
        await oauth.refresh(fresh.refresh_token)


async def test_wrong_verifier_is_refused(stage: Stage[GarminSandbox]) -> None:
    """A code that was stolen is worth nothing without its verifier."""
    oauth = stage.provider.oauth
    assert oauth is not None
    callback = await consent(oauth.consent_url(state="s-1", code_challenge=CHALLENGE, redirect_uri=REDIRECT))
    with pytest.raises(ProviderRefusedError):
        await oauth.exchange(code=callback["code"], code_verifier="w" * 64, redirect_uri=REDIRECT)


async def consent(url: str) -> dict[str, str]:
    """Opens the consent page as a browser does and returns the query of the redirect."""
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        return dict(URL(answer.headers["Location"]).query)


async def test_permission_taken_back_needs_the_person(stage: Stage[GarminSandbox], source: Source) -> None:
    """A permission that the person switched off is told as such, not as an empty listing."""
    stage.sandbox.people.put(Person(user_id=ATHLETE, permissions=()))
    with pytest.raises(ReauthenticationNeededError):
        await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)


async def test_budget_of_a_minute_is_never_overspent(stage: Stage[GarminSandbox], source: Source) -> None:
    """After a hundred calls in a minute the next one waits for the next minute, unasked."""
    window = Window(start_ms=NOW_MS - 1000, end_ms=NOW_MS)
    for _ in range(100):
        await source.fetch_metadata(stage.session, DataType.WORKOUT, window)
    with pytest.raises(ProviderThrottledError) as caught:
        await source.fetch_metadata(stage.session, DataType.WORKOUT, window)
    assert caught.value.retry_after == timedelta(minutes=1)
    assert stage.sandbox.books.counter("throttled") == 0
