"""Races around one refresh: rivals, ends, new consents, lost answers of the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import (
    NotFoundError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
    StorageFullError,
    StoreUnavailableError,
)
from syncwell.ports.history import Op
from syncwell.repositories.grants import GrantState
from syncwell.usecases.refresh_grant import PERSIST_ATTEMPTS_MAX, RefreshTimes
from tests.unit.fakes.clock import settle
from tests.unit.usecases.credentials_kit import CONNECTION_ID, USER, Kit

LEASE = timedelta(seconds=45)


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_one_of_two_claims_wins(kit: Kit) -> None:
    """Two processes that read the same row make one call; the other is told to read again."""
    row = await kit.seed()

    results = await asyncio.gather(kit.refresh.run(row), kit.new_refresh().run(row))

    assert sum(result is None for result in results) == 1
    assert kit.oauth.refreshed == ["refresh-0"]


async def test_new_tokens_are_stored_before_they_are_known(kit: Kit) -> None:
    """What comes back from a refresh is what the row holds."""
    stored = await kit.refresh.run(await kit.seed())

    assert stored == await kit.row()
    grant = await kit.grants.open(await kit.row())
    assert (grant.access_token, grant.refresh_token) == ("access-1", "refresh-1")


async def test_missing_refresh_token_keeps_the_old_one(kit: Kit) -> None:
    """Providers that answer without a refresh token mean that the old one stays good."""
    kit.oauth.returns_refresh_token = False
    await kit.refresh.run(await kit.seed())

    assert (await kit.grants.open(await kit.row())).refresh_token == "refresh-0"


async def test_lost_answer_of_the_claim_is_read_back(kit: Kit) -> None:
    """A claim whose answer was lost is ours when the row shows our mark; a rival's is not."""
    row = await kit.seed()
    kit.items.fail_next(OutcomeUnknownError("lost"))

    assert await kit.refresh.run(row) is not None
    assert len(kit.oauth.refreshed) == 1


async def test_lost_answer_of_the_row_is_read_back(kit: Kit) -> None:
    """New tokens whose commit was not acknowledged are found, not fetched again."""
    row = await kit.seed()
    kit.items.fail_next(None, OutcomeUnknownError("lost"))

    stored = await kit.refresh.run(row)

    assert stored == await kit.row()
    assert stored.generation == 2


async def test_store_that_recovers_keeps_the_new_tokens(kit: Kit) -> None:
    """Tokens that exist nowhere else are stored as soon as the store is back."""
    row = await kit.seed()
    kit.items.fail_next(None, StoreUnavailableError("down"), StorageFullError("full"))
    asked = asyncio.create_task(kit.refresh.run(row))

    await kit.clock.run_sleepers(timedelta(milliseconds=250), steps=3)

    stored = await asked
    assert stored is not None
    assert stored.generation == 2


async def test_store_that_stays_away_leaves_the_lease(kit: Kit) -> None:
    """When nothing can be stored, the error is told and the doubt stays in the row."""
    row = await kit.seed()
    kit.items.fail_next(None, *[StoreUnavailableError("down")] * PERSIST_ATTEMPTS_MAX)
    asked = asyncio.create_task(kit.refresh.run(row))

    await kit.clock.run_sleepers(timedelta(milliseconds=250), steps=PERSIST_ATTEMPTS_MAX + 1)

    with pytest.raises(StoreUnavailableError):
        await asked
    assert (await kit.row()).state is GrantState.REFRESHING


async def test_late_holder_of_good_tokens_beats_a_rival(kit: Kit) -> None:
    """A process that was stopped past its lease stores what it got, though a rival has claimed since."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    kit.clock.advance(LEASE)
    await kit.change_row(state=GrantState.REFRESHING, retry_count=1, holder="rival")

    kit.oauth.hold.set()
    stored = await asked

    assert stored == await kit.row()
    assert (stored.state, stored.generation) == (GrantState.STABLE, 2)


async def test_late_holder_of_good_tokens_undoes_a_rash_mark(kit: Kit) -> None:
    """When a rival has given up meanwhile, good tokens make the connection active again."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    assert await kit.refresh.end(await kit.row())
    assert (await kit.connection()).status is ConnectionStatus.NEEDS_REAUTH

    kit.oauth.hold.set()
    await asked

    connection = await kit.connection()
    assert (connection.status, connection.generation) == (ConnectionStatus.ACTIVE, 2)


async def test_rival_who_lost_does_not_mark(kit: Kit) -> None:
    """A refusal of a token that was replaced meanwhile leaves the connection as it is."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    kit.oauth.fail_next(ReauthenticationNeededError("the token was spent by the rival"))
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    await kit.change_row(state=GrantState.STABLE, holder="")

    kit.oauth.hold.set()

    assert await asked is None
    assert (await kit.connection()).status is ConnectionStatus.ACTIVE


async def test_new_consent_wins_over_a_refresh(kit: Kit) -> None:
    """A grant from a consent that came meanwhile is newer than what an old refresh brings."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    connection = await kit.connection()
    await kit.accounts.save_connection(replace(connection, generation=2, version=2))
    await kit.change_row(state=GrantState.STABLE, generation=2)
    kept = await kit.row()

    kit.oauth.hold.set()

    assert await asked is None
    assert await kit.row() == kept


async def test_end_meanwhile_sends_the_new_tokens_to_their_end(kit: Kit) -> None:
    """A refresh that finishes after the tombstone stores its tokens for the provider's end only."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    await kit.revoke.run(USER, CONNECTION_ID)

    kit.oauth.hold.set()
    with pytest.raises(NotFoundError):
        await asked

    assert await kit.grants.load(CONNECTION_ID) is None
    waiting = await kit.revocations.load(CONNECTION_ID)
    assert waiting is not None
    assert (await kit.grants.open_for(USER, CONNECTION_ID, waiting.sealed)).access_token == "access-1"


async def test_confirmation_meanwhile_is_not_lost(kit: Kit) -> None:
    """A change of the connection during a refresh survives it."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    await kit.accounts.save_connection(replace(await kit.connection(), display_name="Ann B.", version=2))

    kit.oauth.hold.set()
    await asked

    connection = await kit.connection()
    assert (connection.display_name, connection.generation, connection.version) == ("Ann B.", 2, 3)


async def test_call_has_a_deadline(kit: Kit) -> None:
    """A provider that never answers costs the time of one call; the outcome counts as unknown."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    hasty = kit.new_refresh(RefreshTimes(call=timedelta(milliseconds=5)))

    assert await hasty.run(row) is None

    assert (await kit.row()).state is GrantState.AMBIGUOUS
    assert kit.history.ops("token.refresh") == [Op.INVOKE, Op.INFO]


async def test_history_tells_generations_without_tokens(kit: Kit) -> None:
    """The history names connection, generation and attempt, and no token."""
    kit.oauth.fail_next(ProviderUnavailableError("lost"))
    await kit.refresh.run(await kit.seed())
    kit.clock.advance(LEASE)
    await kit.refresh.run(await kit.row())

    generations = [ids["generation"] for _, kind, ids in kit.history.events if kind == "token.refresh"]
    attempts = [ids["attempt"] for _, kind, ids in kit.history.events if kind == "token.refresh"]
    assert generations == [1, 1, 1, 2]
    assert attempts == [0, 0, 1, 0]
    assert "access-" not in repr(kit.history.events)
    assert "refresh-" not in repr(kit.history.events)
