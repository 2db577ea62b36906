"""The provider's callback."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    AccountLinkedElsewhereError,
    InvalidInputError,
    OutcomeUnknownError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
    StoreUnavailableError,
)
from syncwell.domain.records import UserId
from syncwell.ports.connector import Callback
from syncwell.usecases.begin_authorization import challenge_of
from tests.unit.fakes.clock import settle
from tests.unit.fakes.history import KilledError
from tests.unit.usecases.credentials_kit import REDIRECT, STRANGER, USER, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def consent(kit: Kit, user_id: UserId = USER, provider: str = "strava") -> Callback:
    """Begins and answers in the person's place."""
    begun = await kit.begin.run(user_id, provider, redirect_uri=REDIRECT)
    (state,) = parse_qs(urlsplit(begun.url).query)["state"]
    return Callback(state=state, code="code-1")


async def connect(kit: Kit, user_id: UserId = USER) -> Connection:
    return await kit.complete.run("strava", await consent(kit, user_id))


async def test_connection_is_pending_until_confirmed(kit: Kit) -> None:
    """The code is traded with verifier and redirect of the beginning, and the connection waits."""
    connection = await connect(kit)

    assert connection.status is ConnectionStatus.PENDING
    assert (connection.user_id, connection.external_user_id, connection.generation) == (USER, "77", 1)
    assert await kit.accounts.load_connection(USER, connection.connection_id) == connection
    ((code, verifier, redirect),) = kit.oauth.exchanged
    assert (code, redirect) == ("code-1", REDIRECT)
    assert challenge_of(verifier) == kit.oauth.challenges[0]


@pytest.mark.parametrize("state", ["", "made-up", "a#b", "\ud800", "x" * 10_000])
async def test_unknown_state_is_refused(kit: Kit, state: str) -> None:
    """A state that was never given out ends before the provider hears of it."""
    with pytest.raises(InvalidInputError):
        await kit.complete.run("strava", Callback(state=state, code="code-1"))
    assert kit.oauth.exchanged == []


async def test_state_counts_once_among_racers(kit: Kit) -> None:
    """Of callbacks that arrive together exactly one is served."""
    callback = await consent(kit)

    results = await asyncio.gather(*(kit.complete.run("strava", callback) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(result, Connection) for result in results) == 1
    assert sum(isinstance(result, InvalidInputError) for result in results) == 4
    assert len(kit.oauth.exchanged) == 1


@pytest.mark.parametrize(("age", "counts"), [(599_999, True), (600_000, False)])
async def test_state_lives_ten_minutes(kit: Kit, age: int, counts: bool) -> None:
    """At ten minutes the state is dead, whether the store has removed it or not."""
    callback = await consent(kit)
    kit.clock.advance(timedelta(milliseconds=age))

    results = await asyncio.gather(kit.complete.run("strava", callback), return_exceptions=True)

    assert isinstance(results[0], Connection) is counts


async def test_state_of_another_provider_is_refused_and_spent(kit: Kit) -> None:
    """A callback that mixes providers up counts nowhere, and the state is dead."""
    callback = await consent(kit, provider="garmin")

    for provider in ("strava", "garmin"):
        with pytest.raises(InvalidInputError):
            await kit.complete.run(provider, callback)
    assert kit.oauth.exchanged == kit.providers.garmin.exchanged == []


@pytest.mark.parametrize(
    ("error", "reason"), [("access_denied", "access_denied"), ("<script>alert(1)</script>", "refused")]
)
async def test_refusal_is_told_without_repeating_strange_text(kit: Kit, error: str, reason: str) -> None:
    """A person's no is a typed error with a reason of a closed list."""
    callback = replace(await consent(kit), code="", error=error)

    with pytest.raises(ProviderRefusedError) as caught:
        await kit.complete.run("strava", callback)

    assert caught.value.fields["reason"] == reason
    assert "script" not in str(caught.value)


async def test_callback_without_code_is_refused(kit: Kit) -> None:
    """Neither code nor error is no callback."""
    with pytest.raises(InvalidInputError):
        await kit.complete.run("strava", replace(await consent(kit), code=""))


@pytest.mark.parametrize("error", [ProviderRefusedError("wrong code"), ProviderUnavailableError("lost")])
async def test_failed_exchange_leaves_nothing(kit: Kit, error: Exception) -> None:
    """Whatever the provider says, no connection appears without a grant."""
    kit.oauth.fail_next(error)

    with pytest.raises(type(error)):
        await connect(kit)
    assert kit.items.items == {}


async def test_grant_of_nobody_is_refused(kit: Kit) -> None:
    """A provider that does not say whose account it is cannot be linked."""
    kit.oauth.external_user_id = ""

    with pytest.raises(ProviderInvalidAnswerError):
        await connect(kit)


async def test_scopes_come_from_the_grant_or_the_redirect(kit: Kit) -> None:
    """Providers name scopes in the token answer or, some, in the redirect only."""
    assert (await connect(kit)).scopes == ("read",)

    kit.oauth.scopes = ()
    callback = replace(await consent(kit), scope="read,activity:write profile")
    assert (await kit.complete.run("strava", callback)).scopes == ("read", "activity:write", "profile")


async def test_names_are_cut_and_cleaned(kit: Kit) -> None:
    """What a provider calls an account is shown within bounds and without control characters."""
    kit.oauth.display_name = "A\x00n\u202en" + "!" * 500

    assert (await connect(kit)).display_name == "Ann" + "!" * 97


async def test_account_of_another_user_is_refused(kit: Kit) -> None:
    """The second user gets a typed error and no connection; no grant is ended, for the first one would end too."""
    first = await connect(kit)

    with pytest.raises(AccountLinkedElsewhereError):
        await connect(kit, STRANGER)

    assert await kit.accounts.load_connections(STRANGER) == ()
    assert await kit.accounts.load_connection(USER, first.connection_id) == first
    kit.clock.advance(timedelta(days=1))
    assert await kit.revocations.load_due(now_ms=kit.clock.now_ms(), limit=10) == ()
    assert await kit.end_grants.run() == 0
    assert kit.oauth.revoked == []


async def test_two_users_race_for_one_account(kit: Kit) -> None:
    """Of two users who link the same account at the same moment one gets it."""
    callbacks = [await consent(kit), await consent(kit, STRANGER)]

    results = await asyncio.gather(
        *(kit.complete.run("strava", callback) for callback in callbacks), return_exceptions=True
    )

    assert sum(isinstance(result, Connection) for result in results) == 1
    assert sum(isinstance(result, AccountLinkedElsewhereError) for result in results) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ConnectionStatus.ACTIVE, ConnectionStatus.ACTIVE),
        (ConnectionStatus.PENDING, ConnectionStatus.PENDING),
        (ConnectionStatus.NEEDS_REAUTH, ConnectionStatus.PENDING),
    ],
)
async def test_connecting_again_keeps_the_id(kit: Kit, before: ConnectionStatus, after: ConnectionStatus) -> None:
    """The same account of the same user is the same connection with a newer grant; an active one goes on."""
    row = await kit.seed(status=before)

    again = await connect(kit)

    assert again.connection_id == row.connection_id
    assert (again.status, again.generation) == (after, 2)
    stored = await kit.row()
    assert stored.generation == 2
    assert (await kit.grants.open(stored)).access_token == "access-1"


async def test_connecting_after_the_end_is_a_new_connection(kit: Kit) -> None:
    """A tombstone stays one; the account may be connected anew, by anybody."""
    row = await kit.seed()
    await kit.revoke.run(USER, row.connection_id)

    anew = await connect(kit, STRANGER)

    assert anew.connection_id != row.connection_id
    assert anew.generation == 1


async def test_refresh_under_way_does_not_stop_a_new_consent(kit: Kit) -> None:
    """A consent that completes while a refresh runs is stored, and the refresh yields."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    refreshing = asyncio.create_task(kit.refresh.run(row))
    await settle()
    callback = await consent(kit)
    connecting = asyncio.create_task(kit.complete.run("strava", callback))
    await settle()
    kit.oauth.hold.set()

    connection = await connecting
    await refreshing

    stored = await kit.row()
    assert stored.generation == connection.generation == (await kit.connection()).generation
    assert (await kit.grants.open(stored)).access_token == "access-2"


async def test_lost_answer_is_read_back(kit: Kit) -> None:
    """A link whose commit was not acknowledged is found by its row; no second connection appears."""
    callback = await consent(kit)
    kit.items.fail_next(None, OutcomeUnknownError("lost"))

    connection = await kit.complete.run("strava", callback)

    assert await kit.accounts.load_connections(USER) == (connection,)


async def test_store_down_at_the_taking_spends_nothing(kit: Kit) -> None:
    """When the state could not be consumed, the person can try the same callback again."""
    callback = await consent(kit)
    kit.items.fail_next(StoreUnavailableError("down"))
    with pytest.raises(StoreUnavailableError):
        await kit.complete.run("strava", callback)

    assert (await kit.complete.run("strava", callback)).status is ConnectionStatus.PENDING


async def test_kill_after_the_exchange_leaves_no_half_link(kit: Kit) -> None:
    """A kill between the provider's answer and our commit leaves nothing, and the person can start again."""
    callback = await consent(kit)
    kit.crash_points.armed = "credentials.after_exchange"
    with pytest.raises(KilledError):
        await kit.complete.run("strava", callback)
    assert kit.items.items == {}

    assert (await connect(kit)).status is ConnectionStatus.PENDING
