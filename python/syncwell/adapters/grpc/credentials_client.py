"""The credentials service as gateway and workers see it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from syncwell.adapters.grpc.channel import call_metadata
from syncwell.adapters.grpc.connection_messages import access_token, completed_consent, connection_view
from syncwell.adapters.grpc.errors import error_of
from syncwell.api.credentials.v1 import credentials_pb2 as pb
from syncwell.api.credentials.v1.credentials_pb2_grpc import CredentialServiceStub
from syncwell.domain.errors import (
    OutcomeUnknownError,
    SecretStoreUnavailableError,
    SyncWellError,
    UnavailableError,
)
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.connector import Callback, CompletedConsent, ConnectionView, Connector, Consent
from syncwell.ports.tokens import AccessToken, TokenSource
from syncwell.usecases.token_cache import TokenCache

CALL_SECONDS = 10.0  # consent, confirmation, end: rows only
EXCHANGE_SECONDS = 40.0  # trading a code makes up to three calls at the provider
NOTE_SECONDS = 1.5  # the provider waits two seconds for our answer
TOKEN_SECONDS = 30.0  # longer than the service lets a caller wait for a refresh

AnswerT = TypeVar("AnswerT")


class GrpcTokenSource(TokenSource):
    """Access tokens for workers, kept just in time; `identity` is the calling service's (name, key)."""

    def __init__(self, channel: grpc.aio.Channel, identity: tuple[str, str], cache: TokenCache) -> None:
        self._stub = CredentialServiceStub(channel)
        self._identity = identity
        self._cache = cache

    async def access_token(
        self, user_id: UserId, connection_id: ConnectionId, *, rejected_generation: int | None = None
    ) -> AccessToken:
        """Returns a token that is good now, from memory where one is kept and was not rejected."""
        kept = self._cache.get(user_id, connection_id)
        if kept is not None and (rejected_generation is None or kept.generation > rejected_generation):
            return kept
        self._cache.drop(user_id, connection_id)
        request = pb.GetAccessTokenRequest(connection_id=connection_id, rejected_generation=rejected_generation)
        metadata = call_metadata(user_id=user_id, identity=self._identity)
        call = self._stub.GetAccessToken(request, metadata=metadata, timeout=TOKEN_SECONDS)
        token = access_token(await _answer_of(call))
        self._cache.put(user_id, connection_id, token)
        return token

    def forget(self, user_id: UserId, connection_id: ConnectionId, *, below_generation: int) -> None:
        """Drops a kept token that is older than the connection's generation, as read at a claim."""
        kept = self._cache.get(user_id, connection_id)
        if kept is not None and kept.generation < below_generation:
            self._cache.drop(user_id, connection_id)


class GrpcConnections(Connector):
    """Connecting accounts, for the gateway; `identity` is the calling service's (name, key)."""

    def __init__(self, channel: grpc.aio.Channel, identity: tuple[str, str]) -> None:
        self._stub = CredentialServiceStub(channel)
        self._identity = identity

    async def begin(self, user_id: UserId, provider: str, *, redirect_uri: str) -> Consent:
        """Opens a consent."""
        request = pb.BeginAuthorizationRequest(provider=provider, redirect_uri=redirect_uri)
        metadata = call_metadata(user_id=user_id, identity=self._identity)
        answer = await _answer_of(self._stub.BeginAuthorization(request, metadata=metadata, timeout=CALL_SECONDS))
        return Consent(answer.consent_url, answer.expire_time.ToMilliseconds())

    async def complete(self, provider: str, callback: Callback) -> CompletedConsent:
        """Trades the provider's code for a pending connection and the code that confirms it."""
        request = pb.CompleteAuthorizationRequest(
            provider=provider, state=callback.state, code=callback.code, error=callback.error, scope=callback.scope
        )
        metadata = call_metadata(identity=self._identity)
        call = self._stub.CompleteAuthorization(request, metadata=metadata, timeout=EXCHANGE_SECONDS)
        return completed_consent(await _answer_of(call))

    async def confirm(self, user_id: UserId, connection_id: ConnectionId, confirmation_code: str) -> ConnectionView:
        """Makes a pending connection active."""
        request = pb.ConfirmConnectionRequest(connection_id=connection_id, confirmation_code=confirmation_code)
        metadata = call_metadata(user_id=user_id, identity=self._identity)
        answer = await _answer_of(self._stub.ConfirmConnection(request, metadata=metadata, timeout=CALL_SECONDS))
        return connection_view(answer.connection)

    async def revoke(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Ends a connection."""
        request = pb.RevokeConnectionRequest(connection_id=connection_id)
        metadata = call_metadata(user_id=user_id, identity=self._identity)
        await _answer_of(self._stub.RevokeConnection(request, metadata=metadata, timeout=CALL_SECONDS))

    async def note_deauthorization(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Ends a connection that is ended at the provider."""
        request = pb.NoteDeauthorizationRequest(connection_id=connection_id)
        metadata = call_metadata(user_id=user_id, identity=self._identity)
        await _answer_of(self._stub.NoteDeauthorization(request, metadata=metadata, timeout=NOTE_SECONDS))


async def _answer_of(call: Awaitable[AnswerT]) -> AnswerT:
    """Awaits a call and raises the service's own errors; whatever kept it from serving is one error to its callers."""
    try:
        return await call
    except grpc.aio.AioRpcError as exc:
        error: SyncWellError = error_of(exc, unavailable=SecretStoreUnavailableError)
        if isinstance(error, UnavailableError | OutcomeUnknownError):
            raise SecretStoreUnavailableError(error.message, **error.fields) from exc
        raise error from exc
