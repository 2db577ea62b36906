"""The credentials service as its callers see it, over a real socket with a scripted servicer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncwell.adapters.grpc.channel import AUTHORIZATION_KEY, CALLER_KEY, USER_KEY, open_channel
from syncwell.adapters.grpc.connection_messages import connection_message, connection_view
from syncwell.adapters.grpc.credentials_client import GrpcConnections, GrpcTokenSource
from syncwell.api.credentials.v1 import credentials_pb2 as pb
from syncwell.api.credentials.v1.credentials_pb2_grpc import (
    CredentialServiceServicer,
    add_CredentialServiceServicer_to_server,
)
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    OutcomeUnknownError,
    ReauthenticationNeededError,
    SecretStoreUnavailableError,
    StoreUnavailableError,
    SyncWellError,
)
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.connector import Callback
from syncwell.runtime.grpc_server import serving
from syncwell.usecases.token_cache import TokenCache
from tests.unit.fakes.clock import FakeClock

USER = UserId("usr_1")
HERS = ConnectionId("conn_1")
IDENTITY = ("sync_worker", "key")


class ScriptedServicer(CredentialServiceServicer):
    """Hands out generation after generation, or raises what it is told to."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.generation = 1
        self.life = timedelta(hours=1)
        self.error: SyncWellError | None = None
        self.requests: list[tuple[Any, dict[str, str]]] = []  # Any: messages of any method

    async def GetAccessToken(
        self,
        request: pb.GetAccessTokenRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # Any: as in the generated base
    ) -> pb.GetAccessTokenResponse:
        self._note(request, context)
        answer = pb.GetAccessTokenResponse(access_token=f"token-{self.generation}", generation=self.generation)
        answer.expire_time.FromMilliseconds(self._clock.now_ms() + self.life // timedelta(milliseconds=1))
        return answer

    async def CompleteAuthorization(
        self,
        request: pb.CompleteAuthorizationRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # Any: as in the generated base
    ) -> pb.CompleteAuthorizationResponse:
        self._note(request, context)
        connection = pb.Connection(connection_id=HERS, state=pb.Connection.STATE_PENDING, generation=1)
        answer = pb.CompleteAuthorizationResponse(connection=connection)
        if request.code != "known":
            answer.confirmation_code = "marker-code"
            answer.confirmation_expire_time.FromMilliseconds(self._clock.now_ms() + 600_000)
        return answer

    async def BeginAuthorization(
        self,
        request: pb.BeginAuthorizationRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # Any: as in the generated base
    ) -> pb.BeginAuthorizationResponse:
        self._note(request, context)
        answer = pb.BeginAuthorizationResponse(consent_url="https://provider.example/consent?state=s")
        answer.expire_time.FromMilliseconds(self._clock.now_ms() + 600_000)
        return answer

    async def ConfirmConnection(
        self,
        request: pb.ConfirmConnectionRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # Any: as in the generated base
    ) -> pb.ConfirmConnectionResponse:
        self._note(request, context)
        connection = pb.Connection(connection_id=request.connection_id, state=pb.Connection.STATE_ACTIVE)
        return pb.ConfirmConnectionResponse(connection=connection)

    async def RevokeConnection(
        self,
        request: pb.RevokeConnectionRequest,
        context: grpc.aio.ServicerContext[Any, Any],  # Any: as in the generated base
    ) -> pb.RevokeConnectionResponse:
        self._note(request, context)
        return pb.RevokeConnectionResponse()

    async def NoteDeauthorization(
        self, request: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.NoteDeauthorizationResponse:
        self._note(request, context)
        return pb.NoteDeauthorizationResponse()

    def _note(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:  # Any: see above
        metadata = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        self.requests.append((request, metadata))
        if self.error is not None:
            raise self.error


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def servicer(clock: FakeClock) -> ScriptedServicer:
    return ScriptedServicer(clock)


@pytest.fixture
async def channel(tmp_path: Path, servicer: ScriptedServicer) -> AsyncIterator[grpc.aio.Channel]:
    def register(server: grpc.aio.Server) -> Sequence[str]:
        add_CredentialServiceServicer_to_server(servicer, server)
        return [pb.DESCRIPTOR.services_by_name["CredentialService"].full_name]

    address = f"unix:{tmp_path / 'c.sock'}"
    async with serving(address, register, drain_seconds=0.1):
        opened = open_channel(address)
        yield opened
        await opened.close()


@pytest.fixture
def tokens(channel: grpc.aio.Channel, clock: FakeClock) -> GrpcTokenSource:
    return GrpcTokenSource(channel, IDENTITY, TokenCache(clock))


async def test_token_is_kept_five_minutes(
    tokens: GrpcTokenSource, servicer: ScriptedServicer, clock: FakeClock
) -> None:
    """Within five minutes the service is asked once, in the user's name and with a proof."""
    first = await tokens.access_token(USER, HERS)
    assert await tokens.access_token(USER, HERS) == first
    assert len(servicer.requests) == 1
    _, metadata = servicer.requests[0]
    assert metadata[USER_KEY] == USER
    assert metadata[CALLER_KEY] == "sync_worker"
    assert metadata[AUTHORIZATION_KEY] == "Bearer key"

    clock.advance(timedelta(minutes=5))
    await tokens.access_token(USER, HERS)
    assert len(servicer.requests) == 2


async def test_token_is_not_kept_past_its_end(
    tokens: GrpcTokenSource, servicer: ScriptedServicer, clock: FakeClock
) -> None:
    """A token that dies within the five minutes is asked for anew."""
    servicer.life = timedelta(seconds=10)
    await tokens.access_token(USER, HERS)
    clock.advance(timedelta(seconds=10))
    await tokens.access_token(USER, HERS)

    assert len(servicer.requests) == 2


async def test_rejected_token_is_dropped_and_named(tokens: GrpcTokenSource, servicer: ScriptedServicer) -> None:
    """After a 401 the service hears which generation was rejected; who rejects an older one gets the kept one."""
    await tokens.access_token(USER, HERS)
    assert not servicer.requests[0][0].HasField("rejected_generation")
    servicer.generation = 2

    second = await tokens.access_token(USER, HERS, rejected_generation=1)
    third = await tokens.access_token(USER, HERS, rejected_generation=1)

    assert second == third
    assert second.generation == 2
    assert servicer.requests[1][0].rejected_generation == 1
    assert len(servicer.requests) == 2


async def test_newer_connection_generation_drops_the_token(tokens: GrpcTokenSource, servicer: ScriptedServicer) -> None:
    """A claim that read a newer generation of the connection makes the kept token go."""
    await tokens.access_token(USER, HERS)
    tokens.forget(USER, HERS, below_generation=1)
    await tokens.access_token(USER, HERS)
    assert len(servicer.requests) == 1

    tokens.forget(USER, HERS, below_generation=2)
    await tokens.access_token(USER, HERS)
    assert len(servicer.requests) == 2


async def test_kept_token_serves_while_the_service_fails(tokens: GrpcTokenSource, servicer: ScriptedServicer) -> None:
    """What is in memory needs no service."""
    kept = await tokens.access_token(USER, HERS)
    servicer.error = StoreUnavailableError("down")

    assert await tokens.access_token(USER, HERS) == kept


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (ReauthenticationNeededError("gone", provider="strava"), ReauthenticationNeededError),
        (SecretStoreUnavailableError("no key"), SecretStoreUnavailableError),
        (StoreUnavailableError("down"), SecretStoreUnavailableError),
        (OutcomeUnknownError("lost"), SecretStoreUnavailableError),
    ],
)
async def test_errors_come_through_typed(
    tokens: GrpcTokenSource, servicer: ScriptedServicer, raised: SyncWellError, seen: type[SyncWellError]
) -> None:
    """Callers see why; whatever kept the service from serving is one error to them."""
    servicer.error = raised

    with pytest.raises(seen) as caught:
        await tokens.access_token(USER, HERS)
    assert caught.value.message == raised.message
    assert caught.value.fields == raised.fields


async def test_absent_service_is_told(tmp_path: Path, clock: FakeClock) -> None:
    """Nobody at the socket is an unavailable secret store, at once."""
    channel = open_channel(f"unix:{tmp_path / 'nobody.sock'}")
    try:
        async with asyncio.timeout(5):
            with pytest.raises(SecretStoreUnavailableError):
                await GrpcTokenSource(channel, IDENTITY, TokenCache(clock)).access_token(USER, HERS)
    finally:
        await channel.close()


async def test_callback_carries_no_user(channel: grpc.aio.Channel, servicer: ScriptedServicer) -> None:
    """Whose callback it is, the state says."""
    done = await GrpcConnections(channel, ("gateway", "key")).complete("strava", Callback(state="s", code="c"))

    _, metadata = servicer.requests[0]
    assert USER_KEY not in metadata
    assert done.connection.status is ConnectionStatus.PENDING


async def test_code_comes_through_and_does_not_print(channel: grpc.aio.Channel, clock: FakeClock) -> None:
    """The code that confirms arrives with its end, shows in no print, and is None where there is none."""
    connections = GrpcConnections(channel, ("gateway", "key"))

    done = await connections.complete("strava", Callback(state="s", code="c"))
    known = await connections.complete("strava", Callback(state="s", code="known"))

    assert (done.confirmation_code, done.expires_at_ms) == ("marker-code", clock.now_ms() + 600_000)
    assert "marker" not in repr(done)
    assert (known.confirmation_code, known.expires_at_ms) == (None, None)


async def test_people_side_carries_the_user(
    channel: grpc.aio.Channel, servicer: ScriptedServicer, clock: FakeClock
) -> None:
    """Beginning, confirming and ending are done in the user's name and say what they are about."""
    connections = GrpcConnections(channel, ("gateway", "key"))

    consent = await connections.begin(USER, "strava", redirect_uri="https://syncwell.example/callback")
    view = await connections.confirm(USER, HERS, "marker-code")
    await connections.revoke(USER, HERS)

    assert consent.expires_at_ms == clock.now_ms() + 600_000
    assert consent.url.startswith("https://provider.example/")
    assert view.status is ConnectionStatus.ACTIVE
    assert [metadata[USER_KEY] for _, metadata in servicer.requests] == [USER] * 3
    begun, confirmed, revoked = (request for request, _ in servicer.requests)
    assert (begun.provider, begun.redirect_uri) == ("strava", "https://syncwell.example/callback")
    assert confirmed.confirmation_code == "marker-code"
    assert confirmed.connection_id == revoked.connection_id == HERS


@pytest.mark.parametrize("status", list(ConnectionStatus))
def test_every_status_survives_the_wire(status: ConnectionStatus) -> None:
    """What is sent is what is read."""
    connection = Connection(HERS, USER, "strava", "77", "Ann", status, 3, 1, 1_000)

    view = connection_view(connection_message(connection))

    assert (view.connection_id, view.status, view.generation, view.display_name) == (HERS, status, 3, "Ann")
