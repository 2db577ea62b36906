"""Access tokens near and past their end, over real sockets."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import NotFoundError, ReauthenticationNeededError, SecretStoreUnavailableError
from syncwell.repositories.accounts import REAUTH_PENDING
from syncwell.repositories.grants import GrantState
from syncwell.sandbox.faults import Fault, FaultKind, Phase
from tests.integration.credentials.world import USER, World

PAST_THE_END = timedelta(hours=7)


async def test_fifty_at_the_end_make_one_call(world: World) -> None:
    """However many ask at once, the provider gets one refresh and all get the next generation."""
    connection = await world.connect()
    world.advance(PAST_THE_END)

    tokens = await asyncio.gather(
        *(world.token_source().access_token(USER, connection.connection_id) for _ in range(50))
    )

    assert world.count("token_refreshes") == 1
    assert {token.generation for token in tokens} == {2}
    assert len({token.value for token in tokens}) == 1


async def test_rotation_is_survived(world: World) -> None:
    """Each refresh spends the newest refresh token, so that many in a row work and none is sent twice."""
    connection = await world.connect()

    for _ in range(5):
        world.advance(PAST_THE_END)
        await world.token_source().access_token(USER, connection.connection_id)

    assert world.count("token_refreshes") == 5
    assert world.count("refresh_token_reuses") == 0
    assert await world.generation(connection.connection_id) == 6


async def test_rejected_generation_is_refreshed_once(world: World) -> None:
    """Many who were answered 401 with one generation share one refresh; later ones get what it brought."""
    connection = await world.connect()
    world.advance(timedelta(hours=5, minutes=30))  # the provider gives a new token in the last hour only
    kept = await world.token_source().access_token(USER, connection.connection_id)

    tokens = await asyncio.gather(
        *(
            world.token_source().access_token(USER, connection.connection_id, rejected_generation=kept.generation)
            for _ in range(10)
        )
    )
    late = await world.token_source().access_token(USER, connection.connection_id, rejected_generation=kept.generation)

    assert world.count("token_refreshes") == 1
    assert {token.generation for token in (*tokens, late)} == {kept.generation + 1}


async def test_grant_that_was_ended_there_needs_the_person(world: World) -> None:
    """A dead refresh token marks the connection once; connecting again brings it back under its id."""
    connection = await world.connect()
    world.sandbox.grants.revoke_user("4711")
    world.advance(PAST_THE_END)

    for _ in range(3):
        with pytest.raises(ReauthenticationNeededError):
            await world.token_source().access_token(USER, connection.connection_id)
    assert world.count("refreshes_refused") == 1
    assert len((await world.items.query_reauth(REAUTH_PENDING)).items) == 1

    again = await world.connect()
    assert again.connection_id == connection.connection_id
    assert again.status is ConnectionStatus.ACTIVE
    assert (await world.items.query_reauth(REAUTH_PENDING)).items == ()
    token = await world.token_source().access_token(USER, connection.connection_id)
    assert token.generation == again.generation


async def test_lost_answer_is_tried_once_more_and_no_more(world: World) -> None:
    """After a refresh that took effect without an answer the old token is sent once more, then the person is asked."""
    connection = await world.connect()
    world.advance(PAST_THE_END)
    world.sandbox.faults.add(Fault(kind=FaultKind.DROP, route="/oauth/token", phase=Phase.AFTER))

    with pytest.raises(SecretStoreUnavailableError):
        await world.token_source().access_token(USER, connection.connection_id)
    with pytest.raises(SecretStoreUnavailableError):
        await world.token_source().access_token(USER, connection.connection_id)
    assert world.count("token_refreshes") == 1, "within the pause nobody asks again"
    world.advance(timedelta(seconds=31))
    with pytest.raises(ReauthenticationNeededError):
        await world.token_source().access_token(USER, connection.connection_id)

    assert world.count("refresh_token_reuses") == 1


async def test_call_that_never_arrived_is_made_again(world: World) -> None:
    """Where the lost call had no effect, the one repetition brings the next generation."""
    connection = await world.connect()
    world.advance(PAST_THE_END)
    world.sandbox.faults.add(Fault(kind=FaultKind.DROP, route="/oauth/token", phase=Phase.BEFORE))

    with pytest.raises(SecretStoreUnavailableError):
        await world.token_source().access_token(USER, connection.connection_id)
    world.advance(timedelta(seconds=31))
    token = await world.token_source().access_token(USER, connection.connection_id)

    assert token.generation == 2


@pytest.mark.parametrize(
    ("status", "state", "retry_count"), [(500, GrantState.STABLE, 0), (502, GrantState.AMBIGUOUS, 0)]
)
async def test_server_error_at_the_token_endpoint_is_told_apart(
    world: World, status: int, state: GrantState, retry_count: int
) -> None:
    """A plain 500 leaves the grant as it was, however often it comes; behind a 502 anything may have happened."""
    connection = await world.connect()
    world.advance(PAST_THE_END)
    world.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=status, route="/oauth/token"))

    with pytest.raises(SecretStoreUnavailableError):
        await world.token_source().access_token(USER, connection.connection_id)

    row = await world.grant_row(connection.connection_id)
    assert (row.state, row.retry_count) == (state, retry_count)
    world.advance(timedelta(seconds=31))
    assert (await world.token_source().access_token(USER, connection.connection_id)).generation == 2


async def test_failed_refresh_ahead_of_time_leaves_the_old_token(world: World) -> None:
    """Until its end the present token serves while the provider does not refresh."""
    connection = await world.connect()
    world.advance(timedelta(hours=5, minutes=57))
    world.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=502, route="/oauth/token"))

    token = await world.token_source().access_token(USER, connection.connection_id)

    assert token.generation == 1


async def test_end_during_a_refresh_ends_the_newest_grant(world: World) -> None:
    """A refresh that finishes after the tombstone hands nothing out, and its token is ended too."""
    connection = await world.connect()
    world.advance(PAST_THE_END)
    world.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, latency_ms=300, route="/oauth/token"))
    asked = asyncio.create_task(world.token_source().access_token(USER, connection.connection_id))
    async with asyncio.timeout(5):
        while (await world.grant_row(connection.connection_id)).state is not GrantState.REFRESHING:
            await asyncio.sleep(0.01)

    await world.connections.revoke(USER, connection.connection_id)
    with pytest.raises(NotFoundError):
        await asked

    while await world.parts.end_grants.run():
        pass
    assert world.count("token_refreshes") == 1
    assert world.count("revocations") == 1
