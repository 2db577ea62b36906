"""The app's confirmation."""

from __future__ import annotations

import asyncio

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import ConflictError, NotFoundError
from syncwell.domain.records import ConnectionId
from syncwell.ports.history import Op
from tests.unit.usecases.credentials_kit import CONNECTION_ID, STRANGER, USER, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_pending_becomes_active(kit: Kit) -> None:
    """The owner's word makes a connection usable, in the next version and the same generation."""
    await kit.seed(status=ConnectionStatus.PENDING)

    active = await kit.confirm.run(USER, CONNECTION_ID)

    assert (active.status, active.version, active.generation) == (ConnectionStatus.ACTIVE, 2, 1)
    assert await kit.connection() == active
    assert kit.history.ops("connection.confirm") == [Op.INVOKE, Op.OK]


async def test_confirming_twice_succeeds(kit: Kit) -> None:
    """Taps that arrive together, or one after the other, change the row once."""
    await kit.seed(status=ConnectionStatus.PENDING)

    results = await asyncio.gather(*(kit.confirm.run(USER, CONNECTION_ID) for _ in range(3)))
    again = await kit.confirm.run(USER, CONNECTION_ID)

    assert {result.version for result in (*results, again)} == {2}


@pytest.mark.parametrize("connection_id", [CONNECTION_ID, "conn_9", "a#b", ""])
async def test_stranger_confirms_nothing(kit: Kit, connection_id: str) -> None:
    """Another user's pending connection is not there."""
    await kit.seed(status=ConnectionStatus.PENDING)

    with pytest.raises(NotFoundError):
        await kit.confirm.run(STRANGER, ConnectionId(connection_id))
    assert (await kit.connection()).status is ConnectionStatus.PENDING
    assert kit.history.ops("connection.confirm") == [Op.INVOKE, Op.FAIL]


async def test_ended_connection_is_not_there(kit: Kit) -> None:
    """A tombstone cannot be confirmed."""
    await kit.seed(status=ConnectionStatus.REVOKED)

    with pytest.raises(NotFoundError):
        await kit.confirm.run(USER, CONNECTION_ID)


async def test_dead_grant_cannot_be_confirmed(kit: Kit) -> None:
    """A connection whose grant is gone must be connected again first."""
    await kit.seed(status=ConnectionStatus.NEEDS_REAUTH)

    with pytest.raises(ConflictError):
        await kit.confirm.run(USER, CONNECTION_ID)
