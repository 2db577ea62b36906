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
from syncwell.api.events.v1 import events_pb2
from syncwell.domain.connections import ConnectionStatus, SyncConfig
from syncwell.domain.errors import (
    AccountLinkedElsewhereError,
    InvalidInputError,
    NotAuthenticatedError,
    NotFoundError,
    PermissionDeniedError,
    ProviderRefusedError,
    ReauthenticationNeededError,
)
from syncwell.domain.records import ConnectionId, DataType
from syncwell.domain.resolution import Strategy
from syncwell.ports.connector import Callback
from syncwell.runtime.caller_identity import load_identity
from tests.integration.credentials.world import STRANGER, USER, World


async def test_whole_road(world: World) -> None:
    """Consent, callback and confirmation end in a token that the provider accepts."""
    done = await world.connections.complete("strava", await world.consent())
    pending = done.connection
    assert pending.status is ConnectionStatus.PENDING
    assert done.expires_at_ms == pytest.approx(world.clock.now_ms() + 600_000, abs=60_000)
    with pytest.raises(NotFoundError):
        await world.token_source().access_token(USER, pending.connection_id)

    active = await world.connections.confirm(USER, pending.connection_id, done.confirmation_code or "")
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
    done = await world.connections.complete("strava", await world.consent())
    pending = done.connection

    with pytest.raises(NotFoundError):
        await world.connections.confirm(STRANGER, pending.connection_id, done.confirmation_code or "")
    for attempt in (world.connections.revoke, world.token_source().access_token):
        with pytest.raises(NotFoundError):
            await attempt(STRANGER, pending.connection_id)
    stored = await world.accounts.load_connection(USER, pending.connection_id)
    assert stored is not None
    assert stored.status is ConnectionStatus.PENDING


async def test_each_new_state_is_an_event(world: World) -> None:
    """Readers of the log learn of every state in order, with generation and version, and of nothing personal."""
    start = await world.event_log.tail()
    connection = await world.connect()
    world.sandbox.grants.revoke_user("4711")
    world.advance(timedelta(hours=7))
    with pytest.raises(ReauthenticationNeededError):
        await world.token_source().access_token(USER, connection.connection_id)
    await world.connections.revoke(USER, connection.connection_id)

    logged = await world.event_log.read(after=start, limit=10, wait=timedelta(seconds=1))

    facts = [events_pb2.Event.FromString(each.event.body) for each in logged]
    updates = [fact.connection_updated for fact in facts]
    assert [update.status for update in updates] == ["pending", "active", "needs_reauth", "revoked"]
    assert [(update.generation, update.version) for update in updates] == [(1, 1), (1, 2), (1, 3), (2, 4)]
    assert {(fact.user_id, update.connection_id) for fact, update in zip(facts, updates, strict=True)} == {
        (USER, connection.connection_id)
    }
    assert not any(b"Ann" in each.event.body or b"4711" in each.event.body for each in logged)


async def test_consent_of_a_victim_links_nothing_to_the_attacker(world: World) -> None:
    """Who begins, has somebody else consent and sees the pending connection cannot confirm it without their code."""
    attacker, victim = STRANGER, USER
    done = await world.connections.complete("strava", await world.consent(attacker))  # in the victim's browser
    (listed,) = await world.accounts.load_connections(attacker)
    assert listed.connection_id == done.connection.connection_id

    with pytest.raises(InvalidInputError):
        await world.connections.confirm(attacker, listed.connection_id, "")
    for guess in range(5):
        with pytest.raises(NotFoundError):
            await world.connections.confirm(attacker, listed.connection_id, f"guess-{guess}")
    with pytest.raises(NotFoundError):
        await world.token_source().access_token(attacker, listed.connection_id)

    assert (await world.connect(victim)).status is ConnectionStatus.ACTIVE
    assert await world.parts.end_grants.run() == 0, "not due yet"
    world.advance(timedelta(minutes=1, seconds=1))
    assert await world.parts.end_grants.run() == 1
    assert world.count("revocations") == 0, "the account has its rightful user by now"


async def test_unconfirmed_connection_gives_its_account_away(world: World) -> None:
    """After ten minutes the account is free for whoever consents next, and the grant in waiting is gone."""
    stale = await world.connections.complete("strava", await world.consent(STRANGER))
    with pytest.raises(AccountLinkedElsewhereError):
        await world.connect()
    world.advance(timedelta(minutes=10))

    connection = await world.connect()

    with pytest.raises(NotFoundError):
        await world.connections.confirm(STRANGER, stale.connection.connection_id, stale.confirmation_code or "")
    assert connection.status is ConnectionStatus.ACTIVE
    (left,) = await world.accounts.load_connections(STRANGER)
    assert left.status is ConnectionStatus.REVOKED


async def test_grant_of_a_late_confirmation_is_ended(world: World) -> None:
    """A confirmation after ten minutes is refused, and the provider is told that nobody uses the grant."""
    late = await world.connections.complete("strava", await world.consent())
    world.advance(timedelta(minutes=10))
    with pytest.raises(NotFoundError):
        await world.connections.confirm(USER, late.connection.connection_id, late.confirmation_code or "")
    world.advance(timedelta(minutes=1, seconds=1))

    assert await world.parts.end_grants.run() == 1
    assert world.count("revocations") == 1


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
        await worker.confirm(USER, connection.connection_id, "code")
    with pytest.raises(NotAuthenticatedError):
        await GrpcConnections(world.channel, ("gateway", "wrong")).complete("strava", Callback(state="x"))


async def test_nothing_secret_rests_in_the_clear(world: World) -> None:
    """No file of the installation holds a token, a code or a state in the clear."""
    callback = await world.consent()
    done = await world.connections.complete("strava", callback)
    code = done.confirmation_code or ""
    active = await world.connections.confirm(USER, done.connection.connection_id, code)
    token = await world.token_source().access_token(USER, active.connection_id)
    other = await world.consent()
    waiting = await world.connections.complete("garmin", await world.consent(provider="garmin"))
    codes = (code, waiting.confirmation_code or "")
    assert all(codes)

    files = [path for path in world.settings.data_dir.rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)

    assert active.connection_id.encode() in stored, "the scan looks where rows are"
    for secret in (token.value, callback.code, callback.state, other.state, *codes):
        assert secret.encode() not in stored
