"""The app's confirmation, with the code that the browser was shown."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from syncwell.domain.records import ConnectionId
from syncwell.ports.history import Op
from syncwell.usecases.confirm_connection import WRONG_TRIES_MAX
from tests.unit.usecases.credentials_kit import CODE, CONNECTION_ID, STRANGER, USER, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_pending_becomes_active(kit: Kit) -> None:
    """The code makes a connection usable, in the next version and the same generation, and is forgotten."""
    await kit.seed(status=ConnectionStatus.PENDING)

    active = await kit.confirm.run(USER, CONNECTION_ID, CODE)

    assert (active.status, active.version, active.generation) == (ConnectionStatus.ACTIVE, 2, 1)
    assert await kit.connection() == active
    assert (await kit.row()).confirmation is None
    assert kit.history.ops("connection.confirm") == [Op.INVOKE, Op.OK]


async def test_confirming_twice_succeeds(kit: Kit) -> None:
    """Taps that arrive together, or one after the other, change the row once."""
    await kit.seed(status=ConnectionStatus.PENDING)

    results = await asyncio.gather(*(kit.confirm.run(USER, CONNECTION_ID, CODE) for _ in range(3)))
    again = await kit.confirm.run(USER, CONNECTION_ID, CODE)

    assert {result.version for result in (*results, again)} == {2}


async def test_missing_code_is_told_before_anything_is_read(kit: Kit) -> None:
    """A confirmation without a code is a wrong request, and counts as no try."""
    await kit.seed(status=ConnectionStatus.PENDING)

    for _ in range(WRONG_TRIES_MAX + 1):
        with pytest.raises(InvalidInputError) as caught:
            await kit.confirm.run(USER, CONNECTION_ID, "")
    assert caught.value.fields == {"field": "confirmationCode"}
    assert (await kit.confirm.run(USER, CONNECTION_ID, CODE)).status is ConnectionStatus.ACTIVE


@pytest.mark.parametrize("code", ["wrong", CODE[:-1], CODE + " ", CODE.upper(), "ü", "\ud800", "x" * 100_000])
async def test_wrong_code_is_refused_as_if_nothing_were_there(kit: Kit, code: str) -> None:
    """Who begins an authorisation and has somebody else consent cannot confirm what they see in their list."""
    await kit.seed(status=ConnectionStatus.PENDING)

    with capture_logs() as logs, pytest.raises(NotFoundError) as caught:
        await kit.confirm.run(USER, CONNECTION_ID, code)

    assert (await kit.connection()).status is ConnectionStatus.PENDING
    assert code not in str(caught.value)
    assert code not in repr(kit.history.events)
    assert logs == []


async def test_right_code_still_counts_after_four_wrong_ones(kit: Kit) -> None:
    """A person may mistype."""
    await kit.seed(status=ConnectionStatus.PENDING)
    for _ in range(WRONG_TRIES_MAX - 1):
        with pytest.raises(NotFoundError):
            await kit.confirm.run(USER, CONNECTION_ID, "wrong")

    assert (await kit.confirm.run(USER, CONNECTION_ID, CODE)).status is ConnectionStatus.ACTIVE


@pytest.mark.parametrize("together", [False, True])
async def test_fifth_wrong_code_ends_the_connection(kit: Kit, together: bool) -> None:
    """Guessing ends after five tries, one after the other or at once: connection, hold and grant are gone."""
    await kit.seed(status=ConnectionStatus.PENDING)
    tries = [kit.confirm.run(USER, CONNECTION_ID, f"guess-{n}") for n in range(WRONG_TRIES_MAX)]

    if together:
        results = await asyncio.gather(*tries, return_exceptions=True)
    else:
        results = [(await asyncio.gather(each, return_exceptions=True))[0] for each in tries]

    assert [type(result) for result in results] == [NotFoundError] * WRONG_TRIES_MAX
    with pytest.raises(NotFoundError):
        await kit.confirm.run(USER, CONNECTION_ID, CODE)
    assert (await kit.connection()).status is ConnectionStatus.REVOKED
    assert await kit.grants.load(CONNECTION_ID) is None
    assert await kit.accounts.load_owner("strava", "77") is None
    kit.clock.advance(timedelta(minutes=1))
    assert await kit.end_grants.run() == 1
    assert kit.oauth.revoked == ["access-0"]


@pytest.mark.parametrize(("age_ms", "counts"), [(599_999, True), (600_000, False)])
async def test_code_counts_ten_minutes(kit: Kit, age_ms: int, counts: bool) -> None:
    """At ten minutes the right code is as good as a wrong one, and the grant is ended."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.clock.advance(timedelta(milliseconds=age_ms))

    (result,) = await asyncio.gather(kit.confirm.run(USER, CONNECTION_ID, CODE), return_exceptions=True)

    assert isinstance(result, NotFoundError) is not counts
    status = (await kit.connection()).status
    assert status is (ConnectionStatus.ACTIVE if counts else ConnectionStatus.REVOKED)
    kit.clock.advance(timedelta(minutes=1))
    assert await kit.end_grants.run() == (0 if counts else 1)


async def test_pending_row_without_a_code_cannot_be_confirmed(kit: Kit) -> None:
    """A connection that was left pending before there were codes is ended, not let in."""
    await kit.seed(status=ConnectionStatus.PENDING)
    await kit.change_row(confirmation=None)

    with pytest.raises(NotFoundError):
        await kit.confirm.run(USER, CONNECTION_ID, CODE)
    assert (await kit.connection()).status is ConnectionStatus.REVOKED


@pytest.mark.parametrize("connection_id", [CONNECTION_ID, "conn_9", "a#b", ""])
async def test_stranger_confirms_nothing(kit: Kit, connection_id: str) -> None:
    """Another user's pending connection is not there, whatever the code, and loses no try."""
    await kit.seed(status=ConnectionStatus.PENDING)

    for code in (CODE, "wrong"):
        with pytest.raises(NotFoundError):
            await kit.confirm.run(STRANGER, ConnectionId(connection_id), code)
    assert (await kit.connection()).status is ConnectionStatus.PENDING
    confirmation = (await kit.row()).confirmation
    assert confirmation is not None
    assert confirmation.wrong_count == 0
    assert kit.history.ops("connection.confirm") == [Op.INVOKE, Op.FAIL] * 2


async def test_ended_connection_is_not_there(kit: Kit) -> None:
    """A tombstone cannot be confirmed."""
    await kit.seed(status=ConnectionStatus.REVOKED)

    with pytest.raises(NotFoundError):
        await kit.confirm.run(USER, CONNECTION_ID, CODE)


async def test_dead_grant_cannot_be_confirmed(kit: Kit) -> None:
    """A connection whose grant is gone must be connected again first."""
    await kit.seed(status=ConnectionStatus.NEEDS_REAUTH)

    with pytest.raises(ConflictError):
        await kit.confirm.run(USER, CONNECTION_ID, CODE)


async def test_lost_answer_is_read_back(kit: Kit) -> None:
    """A confirmation whose commit was not acknowledged is seen."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.items.fail_next(OutcomeUnknownError("lost"))

    assert await kit.confirm.run(USER, CONNECTION_ID, CODE) == await kit.connection()


@pytest.mark.parametrize("code", [CODE, "wrong"])
async def test_store_down_changes_nothing(kit: Kit, code: str) -> None:
    """A try that cannot be counted is not answered: the caller learns nothing about the code."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.items.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await kit.confirm.run(USER, CONNECTION_ID, code)
    assert (await kit.connection()).status is ConnectionStatus.PENDING
