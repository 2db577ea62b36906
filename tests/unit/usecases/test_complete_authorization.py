"""The provider's callback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    AccountLinkedElsewhereError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
    StoreUnavailableError,
)
from syncwell.domain.records import UserId
from syncwell.ports.connector import Callback
from syncwell.ports.item_store import Item, Put, Write
from syncwell.usecases.begin_authorization import challenge_of
from syncwell.usecases.complete_authorization import CompletedAuthorization
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
    return (await kit.complete.run("strava", await consent(kit, user_id))).connection


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

    assert sum(isinstance(result, CompletedAuthorization) for result in results) == 1
    assert sum(isinstance(result, InvalidInputError) for result in results) == 4
    assert len(kit.oauth.exchanged) == 1


@pytest.mark.parametrize(("age", "counts"), [(599_999, True), (600_000, False)])
async def test_state_lives_ten_minutes(kit: Kit, age: int, counts: bool) -> None:
    """At ten minutes the state is dead, whether the store has removed it or not."""
    callback = await consent(kit)
    kit.clock.advance(timedelta(milliseconds=age))

    results = await asyncio.gather(kit.complete.run("strava", callback), return_exceptions=True)

    assert isinstance(results[0], CompletedAuthorization) is counts


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
    assert (await kit.complete.run("strava", callback)).connection.scopes == ("read", "activity:write", "profile")


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

    assert sum(isinstance(result, CompletedAuthorization) for result in results) == 1
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

    connection = (await connecting).connection
    await refreshing

    stored = await kit.row()
    assert stored.generation == connection.generation == (await kit.connection()).generation
    assert (await kit.grants.open(stored)).access_token == "access-2"


async def test_lost_answer_is_read_back(kit: Kit) -> None:
    """A link whose commit was not acknowledged is found by its row; no second connection appears."""
    callback = await consent(kit)
    kit.items.fail_next(None, OutcomeUnknownError("lost"))

    connection = (await kit.complete.run("strava", callback)).connection

    assert await kit.accounts.load_connections(USER) == (connection,)


async def test_store_down_at_the_taking_spends_nothing(kit: Kit) -> None:
    """When the state could not be consumed, the person can try the same callback again."""
    callback = await consent(kit)
    kit.items.fail_next(StoreUnavailableError("down"))
    with pytest.raises(StoreUnavailableError):
        await kit.complete.run("strava", callback)

    assert (await kit.complete.run("strava", callback)).connection.status is ConnectionStatus.PENDING


async def test_kill_after_the_exchange_leaves_no_half_link(kit: Kit) -> None:
    """A kill between the provider's answer and our commit leaves nothing, and the person can start again."""
    callback = await consent(kit)
    kit.crash_points.armed = "credentials.after_exchange"
    with pytest.raises(KilledError):
        await kit.complete.run("strava", callback)
    assert kit.items.items == {}

    assert (await connect(kit)).status is ConnectionStatus.PENDING


async def test_code_is_for_the_browser_alone(kit: Kit) -> None:
    """The code has 128 bits, is another each time, and rests nowhere: not in rows, prints or the history."""
    first = await kit.complete.run("strava", await consent(kit))
    second = await kit.complete.run("strava", await consent(kit))

    codes = [done.confirmation_code or "" for done in (first, second)]
    assert len(set(codes)) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", code) for code in codes)
    assert first.expires_at_ms == kit.clock.now_ms() + 600_000
    stored = b"".join(item.body for transaction in kit.items.transactions for item in _items_in(transaction))
    shown = f"{first!r} {second!r} {await kit.grants.load(first.connection.connection_id)!r} {kit.history.events!r}"
    assert not any(code.encode() in stored or code in shown for code in codes)


async def test_newer_consent_brings_the_code_that_counts(kit: Kit) -> None:
    """A second consent before the confirmation replaces the first one's code."""
    first = await kit.complete.run("strava", await consent(kit))
    second = await kit.complete.run("strava", await consent(kit))
    connection_id = second.connection.connection_id
    assert first.connection.connection_id == connection_id

    with pytest.raises(NotFoundError):
        await kit.confirm.run(USER, connection_id, first.confirmation_code or "")
    confirmed = await kit.confirm.run(USER, connection_id, second.confirmation_code or "")

    assert confirmed.status is ConnectionStatus.ACTIVE


async def test_active_account_needs_no_code(kit: Kit) -> None:
    """A person who connects an account again that they confirmed before has nothing left to confirm."""
    await kit.seed()

    again = await kit.complete.run("strava", await consent(kit))

    assert again.connection.status is ConnectionStatus.ACTIVE
    assert (again.confirmation_code, again.expires_at_ms) == (None, None)
    assert (await kit.row()).confirmation is None


@pytest.mark.parametrize(("age_ms", "is_held"), [(599_999, True), (600_000, False)])
async def test_unconfirmed_account_is_held_ten_minutes(kit: Kit, age_ms: int, is_held: bool) -> None:
    """Whoever got somebody to consent and could not confirm does not keep the account from its rightful user."""
    pending = await connect(kit, STRANGER)
    kit.clock.advance(timedelta(milliseconds=age_ms))
    callback = await consent(kit)

    (result,) = await asyncio.gather(kit.complete.run("strava", callback), return_exceptions=True)

    stale = await kit.accounts.load_connection(STRANGER, pending.connection_id)
    assert stale is not None
    assert isinstance(result, AccountLinkedElsewhereError) is is_held
    assert (stale.status is ConnectionStatus.PENDING) is is_held
    assert (await kit.grants.load(pending.connection_id) is not None) is is_held
    owner = await kit.accounts.load_owner("strava", "77")
    assert owner is not None
    assert owner.user_id == (STRANGER if is_held else USER)


async def test_account_that_moved_on_keeps_its_new_grant(kit: Kit) -> None:
    """The stale grant is left alone at the provider, where its end would end the rightful user's too."""
    await connect(kit, STRANGER)
    kit.clock.advance(timedelta(minutes=10))
    done = await kit.complete.run("strava", await consent(kit))
    await kit.confirm.run(USER, done.connection.connection_id, done.confirmation_code or "")
    kit.clock.advance(timedelta(minutes=1))

    while await kit.end_grants.run():
        pass

    assert kit.oauth.revoked == []
    assert await kit.revocations.load_due(now_ms=kit.clock.now_ms() + 10**9, limit=10) == ()


async def test_own_unconfirmed_account_keeps_its_id(kit: Kit) -> None:
    """Who comes back too late to confirm consents again and goes on with the same connection."""
    row = await kit.seed(status=ConnectionStatus.PENDING)
    kit.clock.advance(timedelta(hours=1))

    done = await kit.complete.run("strava", await consent(kit))

    assert done.connection.connection_id == row.connection_id
    confirmed = await kit.confirm.run(USER, row.connection_id, done.confirmation_code or "")
    assert confirmed.status is ConnectionStatus.ACTIVE


async def test_confirmation_at_the_last_moment_wins_over_a_takeover(kit: Kit) -> None:
    """A confirmation that commits while another user's callback ends the stale connection is not undone."""
    stale = await kit.complete.run("strava", await consent(kit, STRANGER))
    connection_id = stale.connection.connection_id
    kit.clock.advance(timedelta(minutes=10) - timedelta(milliseconds=1))
    confirming = asyncio.create_task(kit.confirm.run(STRANGER, connection_id, stale.confirmation_code or ""))
    callback = await consent(kit)
    kit.clock.advance(timedelta(milliseconds=1))

    results = await asyncio.gather(confirming, kit.complete.run("strava", callback), return_exceptions=True)

    found = await kit.accounts.load_connection(STRANGER, connection_id)
    owner = await kit.accounts.load_owner("strava", "77")
    assert found is not None
    assert owner is not None
    assert (found.status is ConnectionStatus.ACTIVE) == (owner.user_id == STRANGER)
    assert sum(isinstance(result, Exception) for result in results) == 1


def _items_in(writes: Sequence[Write]) -> list[Item]:
    return [write.item for write in writes if isinstance(write, Put)]
