"""Connecting and ending an account, over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from syncwell.adapters.grpc.channel import call_metadata
from syncwell.adapters.grpc.credentials_client import GrpcConnections
from syncwell.api.credentials.v1 import credentials_pb2 as pb
from syncwell.api.credentials.v1.credentials_pb2_grpc import CredentialServiceStub
from syncwell.domain.connections import ConnectionStatus, SyncConfig
from syncwell.domain.errors import (
    AccountLinkedElsewhereError,
    InvalidInputError,
    NotAuthenticatedError,
    NotFoundError,
    PermissionDeniedError,
    ProviderRefusedError,
)
from syncwell.domain.records import ConnectionId, DataType
from syncwell.domain.resolution import Strategy
from syncwell.ports.connector import Callback
from syncwell.runtime.caller_identity import load_identity
from tests.integration.credentials.world import STRANGER, USER, World


async def test_whole_road(world: World) -> None:
    """Consent, callback and confirmation end in a token that the provider accepts."""
    pending = await world.connections.complete("strava", await world.consent())
    assert pending.status is ConnectionStatus.PENDING
    with pytest.raises(NotFoundError):
        await world.token_source().access_token(USER, pending.connection_id)

    active = await world.connections.confirm(USER, pending.connection_id)
    token = await world.token_source().access_token(USER, active.connection_id)

    assert active.status is ConnectionStatus.ACTIVE
    assert active.display_name == "Ann Example"
    assert token.generation == active.generation == 1
    api = f"{world.sandbox_url}/api/v3/athlete"
    async with world.http.get(api, headers={"Authorization": f"Bearer {token.value}"}) as answer:
        assert answer.status == 200
    stored = await world.accounts.load_connection(USER, active.connection_id)
    assert stored is not None
    assert "activity:write" in stored.scopes


async def test_provider_that_demands_pkce_is_satisfied(world: World) -> None:
    """Garmin checks the verifier, rotates at every refresh, and all of it works over the same road."""
    connection = await world.connect(provider="garmin")
    for _ in range(3):
        world.advance(timedelta(days=2))
        await world.token_source().access_token(USER, connection.connection_id)

    assert world.garmin.books.counter("code_exchanges") == 1
    assert world.garmin.books.counter("token_refreshes") == 3
    assert world.garmin.books.counter("refresh_token_reuses") == 0
    await world.connections.revoke(USER, connection.connection_id)
    assert await world.parts.end_grants.run() == 1
    assert world.garmin.books.counter("revocations") == 1


async def test_callback_at_another_provider_is_refused(world: World) -> None:
    """A state that was opened for one provider counts at no other."""
    callback = await world.consent(provider="garmin")

    with pytest.raises(InvalidInputError):
        await world.connections.complete("strava", callback)
    assert world.count("code_exchanges") == 0


async def test_replayed_callback_is_refused(world: World) -> None:
    """A state counts once, also when two callbacks race."""
    callback = await world.consent()
    answers = await asyncio.gather(
        *(world.connections.complete("strava", callback) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(each, InvalidInputError) for each in answers) == 4
    with pytest.raises(InvalidInputError):
        await world.connections.complete("strava", callback)
    assert world.count("code_exchanges") == 1
    assert len(await world.accounts.load_connections(USER)) == 1


async def test_old_state_is_refused(world: World) -> None:
    """A callback more than ten minutes after the beginning counts no more, and costs no call."""
    callback = await world.consent()
    world.clock.advance(timedelta(minutes=10, seconds=1))

    with pytest.raises(InvalidInputError):
        await world.connections.complete("strava", callback)
    assert world.count("code_exchanges") == 0


async def test_refusal_and_wrong_code_are_told(world: World) -> None:
    """A person's refusal and a code that the provider does not know end in typed errors."""
    refused = replace(await world.consent(), code="", error="access_denied")
    with pytest.raises(ProviderRefusedError) as caught:
        await world.connections.complete("strava", refused)
    assert caught.value.fields["reason"] == "access_denied"

    forged = replace(await world.consent(), code="made-up")
    with pytest.raises(ProviderRefusedError):
        await world.connections.complete("strava", forged)
    assert await world.accounts.load_connections(USER) == ()


async def test_stranger_cannot_confirm_use_or_end(world: World) -> None:
    """A connection is not there for anybody but its user."""
    pending = await world.connections.complete("strava", await world.consent())

    for attempt in (world.connections.confirm, world.connections.revoke, world.token_source().access_token):
        with pytest.raises(NotFoundError):
            await attempt(STRANGER, pending.connection_id)
    stored = await world.accounts.load_connection(USER, pending.connection_id)
    assert stored is not None
    assert stored.status is ConnectionStatus.PENDING


async def test_account_of_another_user_is_refused(world: World) -> None:
    """One external account belongs to one user; the attempt of a second leaves the first one's grant alive."""
    first = await world.connect()

    with pytest.raises(AccountLinkedElsewhereError):
        await world.connect(STRANGER)

    assert await world.accounts.load_connections(STRANGER) == ()
    assert await world.parts.end_grants.run() == 0
    assert world.count("revocations") == 0
    world.advance(timedelta(days=1))
    assert (await world.token_source().access_token(USER, first.connection_id)).generation == 2


async def test_connecting_again_keeps_the_connection(world: World) -> None:
    """The same user with the same account gets the same connection, one generation later."""
    first = await world.connect()
    again = await world.connect()

    assert again.connection_id == first.connection_id
    assert again.generation == first.generation + 1
    assert (await world.token_source().access_token(USER, first.connection_id)).generation == again.generation


async def test_end_is_immediate_and_reaches_the_provider(world: World) -> None:
    """After the answer no token can be had, configs are gone, and the provider is told from the outbox."""
    connection = await world.connect()
    config = SyncConfig(
        USER,
        connection.connection_id,
        ConnectionId("conn_other"),
        DataType.WORKOUT,
        Strategy.NEWEST_WINS,
        True,
        False,
        1,
    )
    await world.accounts.save_config(config)

    await world.connections.revoke(USER, connection.connection_id)

    with pytest.raises(NotFoundError):
        await world.token_source().access_token(USER, connection.connection_id)
    assert await world.accounts.load_configs(USER) == ()
    assert await world.generation(connection.connection_id) == connection.generation + 1
    assert await world.parts.end_grants.run() == 1
    assert await world.parts.end_grants.run() == 0
    assert world.count("revocations") == 1
    await world.connections.revoke(USER, connection.connection_id)
    anew = await world.connect()
    assert anew.connection_id != connection.connection_id


async def test_expired_grant_is_renewed_to_be_ended(world: World) -> None:
    """A provider ends a grant for a living token only, so a dead one is renewed first."""
    connection = await world.connect()
    world.advance(timedelta(days=1))
    await world.connections.revoke(USER, connection.connection_id)

    while await world.parts.end_grants.run():
        pass

    assert world.count("token_refreshes") == 1
    assert world.count("revocations") == 1


async def test_services_are_told_apart(world: World) -> None:
    """The gateway gets no tokens, workers connect nothing, and nobody comes in without a proof."""
    connection = await world.connect()
    stub = CredentialServiceStub(world.channel)
    gateway = load_identity(world.settings.keys_dir, "gateway")
    request = pb.GetAccessTokenRequest(connection_id=connection.connection_id)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetAccessToken(request, metadata=call_metadata(user_id=USER, identity=gateway), timeout=5)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    worker = GrpcConnections(world.channel, load_identity(world.settings.keys_dir, "sync_worker"))
    with pytest.raises(PermissionDeniedError):
        await worker.confirm(USER, connection.connection_id)
    with pytest.raises(NotAuthenticatedError):
        await GrpcConnections(world.channel, ("gateway", "wrong")).complete("strava", Callback(state="x"))


async def test_nothing_secret_rests_in_the_clear(world: World) -> None:
    """No file of the installation holds a token, a code or a state in the clear."""
    callback = await world.consent()
    pending = await world.connections.complete("strava", callback)
    active = await world.connections.confirm(USER, pending.connection_id)
    token = await world.token_source().access_token(USER, active.connection_id)
    other = await world.consent()

    files = [path for path in world.settings.data_dir.rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)

    assert active.connection_id.encode() in stored, "the scan looks where rows are"
    for secret in (token.value, callback.code, callback.state, other.state):
        assert secret.encode() not in stored
