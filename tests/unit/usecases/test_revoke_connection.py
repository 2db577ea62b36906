"""The end of a connection."""

from __future__ import annotations

import asyncio

import pytest

from syncwell.domain.connections import ConnectionStatus, SyncConfig
from syncwell.domain.errors import NotFoundError, OutcomeUnknownError, StoreUnavailableError
from syncwell.domain.records import ConnectionId, DataType
from syncwell.domain.resolution import Strategy
from syncwell.ports.history import Op
from syncwell.repositories.accounts import ExternalOwner, owner_put
from tests.unit.usecases.credentials_kit import CONNECTION_ID, STRANGER, USER, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


def config(source: str, destination: str) -> SyncConfig:
    ends = ConnectionId(source), ConnectionId(destination)
    return SyncConfig(USER, *ends, DataType.WORKOUT, Strategy.SMART_MERGE, True, False, 1)


async def test_everything_ends_in_one_transaction(kit: Kit) -> None:
    """Tombstone, generation, grant, owner, configs and outbox row change together."""
    row = await kit.seed()
    for each in (config(CONNECTION_ID, "conn_2"), config("conn_3", CONNECTION_ID), config("conn_2", "conn_3")):
        await kit.accounts.save_config(each)
    transaction_count = len(kit.items.transactions)

    await kit.revoke.run(USER, CONNECTION_ID)

    connection = await kit.connection()
    assert (connection.status, connection.generation, connection.version) == (ConnectionStatus.REVOKED, 2, 2)
    assert await kit.grants.load(CONNECTION_ID) is None
    assert await kit.accounts.load_owner("strava", "77") is None
    assert await kit.accounts.load_configs(USER) == (config("conn_2", "conn_3"),)
    (waiting,) = await kit.revocations.load_due(now_ms=kit.clock.now_ms(), limit=10)
    assert waiting.sealed == row.sealed
    assert len(kit.items.transactions) == transaction_count + 1
    assert kit.history.ops("connection.revoke") == [Op.INVOKE, Op.OK]
    assert kit.oauth.revoked == [], "the provider is told later"


async def test_stranger_ends_nothing(kit: Kit) -> None:
    """Another user's connection is not there."""
    await kit.seed()

    for user, connection_id in ((STRANGER, CONNECTION_ID), (USER, ConnectionId("conn_9"))):
        with pytest.raises(NotFoundError):
            await kit.revoke.run(user, connection_id)
    assert (await kit.connection()).status is ConnectionStatus.ACTIVE


async def test_ending_twice_changes_once(kit: Kit) -> None:
    """A second end, at the same time or later, succeeds and writes nothing."""
    await kit.seed()

    await asyncio.gather(*(kit.revoke.run(USER, CONNECTION_ID) for _ in range(3)))
    await kit.revoke.run(USER, CONNECTION_ID)

    assert (await kit.connection()).version == 2


@pytest.mark.parametrize("status", [ConnectionStatus.PENDING, ConnectionStatus.NEEDS_REAUTH])
async def test_any_state_can_end(kit: Kit, status: ConnectionStatus) -> None:
    """What was never confirmed or lost its grant can be ended too."""
    await kit.seed(status=status)

    await kit.revoke.run(USER, CONNECTION_ID)

    assert (await kit.connection()).status is ConnectionStatus.REVOKED


async def test_more_configs_than_a_transaction_holds(kit: Kit) -> None:
    """Every dependent config goes, however many there are."""
    await kit.seed()
    for number in range(230):
        await kit.accounts.save_config(config(CONNECTION_ID, f"conn_x{number}"))

    await kit.revoke.run(USER, CONNECTION_ID)

    assert await kit.accounts.load_configs(USER) == ()


async def test_lost_answer_is_read_back(kit: Kit) -> None:
    """A tombstone whose commit was not acknowledged is seen."""
    await kit.seed()
    kit.items.fail_next(OutcomeUnknownError("lost"))

    await kit.revoke.run(USER, CONNECTION_ID)

    assert (await kit.connection()).version == 2


async def test_store_down_ends_nothing(kit: Kit) -> None:
    """An end that could not be written is told; nothing is half done."""
    await kit.seed()
    kit.items.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await kit.revoke.run(USER, CONNECTION_ID)
    assert (await kit.connection()).status is ConnectionStatus.ACTIVE


async def test_account_that_moved_on_stays_with_its_new_owner(kit: Kit) -> None:
    """Ending a connection never takes the account from another connection that has it now."""
    await kit.seed()
    moved = ExternalOwner("strava", "77", STRANGER, ConnectionId("conn_2"), 2)
    await kit.items.transact([owner_put(moved)])

    await kit.revoke.run(USER, CONNECTION_ID)

    assert await kit.accounts.load_owner("strava", "77") == moved
