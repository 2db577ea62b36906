"""The outbox of grants that must end at their provider."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.errors import (
    ProviderRefusedError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
    StoreUnavailableError,
)
from syncwell.domain.records import ConnectionId
from syncwell.repositories.accounts import ExternalOwner, owner_put
from syncwell.usecases.end_grants import ATTEMPTS_MAX
from tests.unit.usecases.credentials_kit import CONNECTION_ID, USER, Kit

LONGEST_PAUSE = timedelta(hours=2)


@pytest.fixture
async def kit() -> Kit:
    kit = Kit()
    await kit.seed()
    await kit.revoke.run(USER, CONNECTION_ID)
    return kit


async def test_grant_ends_once(kit: Kit) -> None:
    """One call with the access token, and the row is gone."""
    assert await kit.end_grants.run() == 1
    assert await kit.end_grants.run() == 0

    assert kit.oauth.revoked == ["access-0"]
    assert await kit.revocations.load(CONNECTION_ID) is None


async def test_two_sweepers_make_one_call(kit: Kit) -> None:
    """Processes that find the same row claim it, so that one calls."""
    await asyncio.gather(kit.end_grants.run(), kit.end_grants.run())

    assert kit.oauth.revoked == ["access-0"]


async def test_unreachable_provider_is_asked_again_within_bounds(kit: Kit) -> None:
    """A provider that stays away is asked a bounded number of times, ever later, and then no more."""
    kit.oauth.fail_next(*[ProviderUnavailableError("down")] * (ATTEMPTS_MAX + 5))

    for _ in range(ATTEMPTS_MAX + 5):
        await kit.end_grants.run()
        kit.clock.advance(timedelta(minutes=10))
        kit.clock.advance(LONGEST_PAUSE)

    assert len(kit.oauth.revoked) + len(kit.oauth.refreshed) == ATTEMPTS_MAX
    assert await kit.revocations.load(CONNECTION_ID) is None


async def test_recovered_provider_hears_of_it(kit: Kit) -> None:
    """After an outage the grant ends."""
    kit.oauth.fail_next(ProviderUnavailableError("down"))
    await kit.end_grants.run()
    kit.clock.advance(timedelta(minutes=2))

    await kit.end_grants.run()

    assert kit.oauth.revoked == ["access-0", "access-0"]
    assert await kit.revocations.load(CONNECTION_ID) is None


@pytest.mark.parametrize("error", [ProviderRefusedError("no"), ReauthenticationNeededError("gone already")])
async def test_refusal_ends_the_trying(kit: Kit, error: Exception) -> None:
    """What the provider refuses for good, or has ended itself, is not asked again."""
    kit.oauth.fail_next(error)
    await kit.end_grants.run()

    assert await kit.revocations.load(CONNECTION_ID) is None


async def test_dead_token_is_renewed_first(kit: Kit) -> None:
    """A grant whose access token died is refreshed, kept, and ended with the new one."""
    kit.clock.advance(timedelta(days=1))

    while await kit.end_grants.run():
        pass

    assert kit.oauth.refreshed == ["refresh-0"]
    assert kit.oauth.revoked == ["access-1"]
    assert await kit.revocations.load(CONNECTION_ID) is None


async def test_changed_row_does_not_block_the_others(kit: Kit) -> None:
    """A row that opens no more is dropped with a log line."""
    waiting = await kit.revocations.load(CONNECTION_ID)
    assert waiting is not None
    broken = waiting.__class__(CONNECTION_ID, USER, "strava", waiting.due_at_ms, b"x" * 64, version=2)
    assert await kit.revocations.save(broken)

    await kit.end_grants.run()

    assert kit.oauth.revoked == []
    assert await kit.revocations.load(CONNECTION_ID) is None


async def test_account_that_is_connected_again_is_left_alone(kit: Kit) -> None:
    """Ending the old grant could end the new one at the provider, so the old one is forgotten only."""
    anew = ExternalOwner("strava", "77", USER, ConnectionId("conn_2"), 1)
    await kit.items.transact([owner_put(anew)])

    await kit.end_grants.run()

    assert kit.oauth.revoked == []
    assert await kit.revocations.load(CONNECTION_ID) is None


async def test_store_down_leaves_the_row_due(kit: Kit) -> None:
    """Without the store no call is made, and the row waits."""
    kit.items.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await kit.end_grants.run()

    assert kit.oauth.revoked == []
    assert await kit.end_grants.run() == 1
