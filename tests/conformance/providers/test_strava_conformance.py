"""The Strava adapter against the Strava sandbox, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from syncwell.domain.errors import (
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
)
from syncwell.domain.records import DataType, RecordId, Sport
from syncwell.ports.roles import Window
from syncwell.providers.conformance import SeededRecord, World, judge
from syncwell.providers.strava.settings import strava_settings
from syncwell.sandbox.faults import Fault, FaultKind, Phase
from syncwell.sandbox.strava.sandbox import StravaSandbox
from tests.conformance.providers.worlds import ATHLETE, NOW, Stage, fit_base64, seed, seeded_of, staged, workout_at

REDIRECT = "http://127.0.0.1:8080/v1/connections/strava/callback"
DAY_MS = 86_400_000
NOW_MS = round(NOW.timestamp() * 1000)
WINDOW = Window(start_ms=NOW_MS - 10 * DAY_MS, end_ms=NOW_MS)


@pytest.fixture
async def stage() -> AsyncIterator[Stage[StravaSandbox]]:
    settings = strava_settings(client_id="sandbox-client", client_secret="sandbox-secret")
    async with staged(StravaSandbox, settings) as running:
        yield running


def world_of(stage: Stage[StravaSandbox]) -> World:
    """Seeds three recordings, one typed in by hand and one outside the window."""
    inside = [
        workout_at(NOW - timedelta(days=5 - index), sport=sport, title=f"Workout {index}")
        for index, sport in enumerate((Sport.RUN, Sport.RIDE, Sport.HIKE))
    ]
    ids = seed(stage.sandbox, *({"file": fit_base64(each), "name": each.title} for each in inside))
    manual_start = NOW - timedelta(days=1)
    manual, outsider = seed(
        stage.sandbox,
        {"start": manual_start.isoformat(), "elapsed_seconds": 1800, "sport_type": "Yoga", "name": "By hand"},
        {"start": (NOW - timedelta(days=20)).isoformat(), "elapsed_seconds": 600, "sport_type": "Run"},
    )
    by_hand = SeededRecord(
        RecordId(manual), Sport.YOGA, round(manual_start.timestamp() * 1000), 1_800_000, "By hand", has_track=False
    )
    return World(
        provider=stage.provider,
        session=stage.session,
        window=WINDOW,
        records=(*(seeded_of(record_id, each) for record_id, each in zip(ids, inside, strict=True)), by_hand),
        outsiders=(RecordId(outsider),),
        gone=RecordId("1"),
        workout=workout_at(NOW - timedelta(hours=3), sport=Sport.TRAIL_RUN, title="New"),
        settle=stage.settle,
    )


async def test_adapter_conforms(stage: Stage[StravaSandbox]) -> None:
    """Every conformance check finds nothing wrong."""
    assert await judge(world_of(stage)) == ()


async def test_short_pages_are_not_the_end(stage: Stage[StravaSandbox]) -> None:
    """A listing goes on behind short pages until the empty one."""
    stage.sandbox.change_settings(b'{"page_shortfall": 199}')
    assert await judge(world_of(stage)) == ()


async def test_consent_to_revocation(stage: Stage[StravaSandbox]) -> None:
    """Consent, exchange, refresh and revocation work, and a revoked grant needs the person."""
    oauth = stage.provider.oauth
    assert oauth is not None
    callback = await consent(oauth.consent_url(state="s-1", code_challenge="unused", redirect_uri=REDIRECT))
    assert callback["state"] == "s-1"
    assert callback["scope"] == "read,activity:read_all,activity:write"

    grant = await oauth.exchange(code=callback["code"], code_verifier="unused", redirect_uri=REDIRECT)
    assert grant.external_user_id == ATHLETE
    assert grant.display_name == "Robin Example"
    with pytest.raises(ProviderRefusedError):
        await oauth.exchange(code=callback["code"], code_verifier="unused", redirect_uri=REDIRECT)

    await stage.clock.sleep(timedelta(hours=6))
    fresh = await oauth.refresh(grant.refresh_token)
    assert fresh.refresh_token != grant.refresh_token
    with pytest.raises(ReauthenticationNeededError):
        await oauth.refresh(grant.refresh_token)

    await oauth.revoke(fresh.access_token)
    await oauth.revoke(fresh.access_token)
    with pytest.raises(ReauthenticationNeededError):
        await oauth.refresh(fresh.refresh_token)


async def consent(url: str) -> dict[str, str]:
    """Opens the consent page as a browser does and returns the query of the redirect."""
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        return dict(URL(answer.headers["Location"]).query)


async def test_dead_access_token_is_refreshed_once(stage: Stage[StravaSandbox]) -> None:
    """An expired token costs one refresh and one repeated call, and the caller sees neither."""
    world_of(stage)
    stage.sandbox.grants.expire_access(ATHLETE)
    source = stage.provider.source
    assert source is not None
    page = await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    assert len(page.records) == 4
    assert stage.tokens.generation == 2
    assert stage.sandbox.books.counter("token_refreshes") == 1


async def test_unticked_scope_is_told_without_a_refresh(stage: Stage[StravaSandbox]) -> None:
    """A missing permission needs the person; refreshing would not help and is not tried."""
    limited = stage.sandbox.grants.grant_directly(ATHLETE, ("read",))
    stage.tokens.replace(limited.access_token)
    source = stage.provider.source
    assert source is not None
    with pytest.raises(ReauthenticationNeededError) as caught:
        await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    assert caught.value.fields["scope"] == "activity:read_permission"
    assert stage.sandbox.books.counter("token_refreshes") == 0


@pytest.mark.parametrize("text", ["plain", "html"])
@pytest.mark.parametrize("at_post", [True, False])
async def test_duplicate_names_its_original(stage: Stage[StravaSandbox], text: str, *, at_post: bool) -> None:
    """Both duplicate texts, at POST time or after polls, are a success that names the activity there."""
    stage.sandbox.change_settings(
        b'{"duplicate_text": "%s", "duplicate_at_post": %s}' % (text.encode(), b"true" if at_post else b"false")
    )
    workout = workout_at(NOW - timedelta(hours=4), title="Once")
    destination = stage.provider.destination
    assert destination is not None
    first = await destination.write(stage.session, workout, external_id="one")
    second = await destination.write(stage.session, workout, external_id="two")
    assert not first.was_duplicate
    assert second.was_duplicate
    assert second.record_id == first.record_id


async def test_lost_answer_to_an_upload_is_found_again(stage: Stage[StravaSandbox]) -> None:
    """After an answer that was lost the outcome is unknown, and `find` tells that the record is there."""
    destination = stage.provider.destination
    assert destination is not None
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, status=502, route="/api/v3/uploads", method="POST", phase=Phase.AFTER)
    )
    with pytest.raises(ProviderUnavailableError):
        await destination.write(stage.session, workout_at(NOW - timedelta(hours=4)), external_id="lost")
    await stage.sandbox.uploads.until_processed()
    found = await destination.find(stage.session, external_id="lost", window=WINDOW)
    assert found is not None
    assert stage.sandbox.books.counter("uploads_accepted") == 1


async def test_hidden_start_is_found_and_marked(stage: Stage[StravaSandbox]) -> None:
    """A hidden start is listed at local midnight: marked, and found though it lies before the window."""
    destination, source = stage.provider.destination, stage.provider.source
    assert destination is not None
    assert source is not None
    start = NOW - timedelta(hours=4)
    seed(stage.sandbox, {"file": fit_base64(workout_at(start)), "start_hidden": True, "external_id": "hidden.fit"})
    tight = Window(start_ms=round(start.timestamp() * 1000) - 60_000, end_ms=NOW_MS)
    found = await destination.find(stage.session, external_id="hidden", window=tight)
    assert found is not None
    page = await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    assert [each.is_start_hidden for each in page.records] == [True]


async def test_budget_is_never_overspent(stage: Stage[StravaSandbox]) -> None:
    """Calls stop on our side before Strava has to refuse one, and go on in the next quarter of an hour."""
    stage.sandbox.change_settings(b'{"quarter_read_limit": 5}')
    source = stage.provider.source
    assert source is not None
    for _ in range(5):
        await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    with pytest.raises(ProviderThrottledError) as caught:
        await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    assert stage.sandbox.books.counter("throttled") == 0
    assert stage.sandbox.books.counter("calls") == 5
    assert caught.value.retry_after == timedelta(minutes=10)
    await stage.clock.sleep(caught.value.retry_after)
    await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)


async def test_refused_calls_close_the_window(stage: Stage[StravaSandbox]) -> None:
    """A 429 that the budget did not foresee closes the window until it ends."""
    source = stage.provider.source
    assert source is not None
    stage.sandbox.change_settings(b'{"quarter_read_limit": 0}')
    with pytest.raises(ProviderThrottledError):
        await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    with pytest.raises(ProviderThrottledError):
        await source.fetch_metadata(stage.session, DataType.WORKOUT, WINDOW)
    assert stage.sandbox.books.counter("calls") == 1


async def test_upload_that_is_not_processed_in_time_is_of_unknown_outcome(stage: Stage[StravaSandbox]) -> None:
    """Polling is bounded: an upload that Strava sits on is left for `find`."""
    stage.sandbox.change_settings(b'{"processing_polls": 1000}')
    destination = stage.provider.destination
    assert destination is not None
    with pytest.raises(ProviderUnavailableError):
        await destination.write(stage.session, workout_at(NOW - timedelta(hours=4)), external_id="slow")
    assert stage.sandbox.books.counter("uploads_accepted") == 1


async def test_workout_without_points_is_written(stage: Stage[StravaSandbox]) -> None:
    """A workout without a track arrives with its sport, title, notes and times."""
    workout = workout_at(NOW - timedelta(hours=4), sport=Sport.STRENGTH, title="Iron")
    del workout.segments[:]
    workout.notes = "Five by five"
    destination = stage.provider.destination
    assert destination is not None
    written = await destination.write(stage.session, workout, external_id="plain")
    activity = stage.sandbox.activities.get(int(written.record_id))
    assert activity is not None
    assert (activity.sport_type, activity.name, activity.description) == ("WeightTraining", "Iron", "Five by five")
    assert activity.elapsed_s == 1800
