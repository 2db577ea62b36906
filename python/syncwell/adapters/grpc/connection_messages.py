"""Connections and access tokens as messages of `syncwell.api.credentials.v1`, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from syncwell.api.credentials.v1 import credentials_pb2 as pb
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.records import ConnectionId
from syncwell.ports.connector import CompletedConsent, ConnectionView
from syncwell.ports.tokens import AccessToken

_STATE_BY_STATUS: Mapping[ConnectionStatus, pb.Connection.State.ValueType] = MappingProxyType(
    {
        ConnectionStatus.PENDING: pb.Connection.STATE_PENDING,
        ConnectionStatus.ACTIVE: pb.Connection.STATE_ACTIVE,
        ConnectionStatus.NEEDS_REAUTH: pb.Connection.STATE_NEEDS_REAUTH,
        ConnectionStatus.REVOKED: pb.Connection.STATE_REVOKED,
    }
)
_STATUS_BY_STATE = {state: status for status, state in _STATE_BY_STATUS.items()}


def connection_message(connection: Connection) -> pb.Connection:
    """Returns what people may see of a connection."""
    return pb.Connection(
        connection_id=connection.connection_id,
        provider=connection.provider,
        display_name=connection.display_name,
        state=_STATE_BY_STATUS[connection.status],
        generation=connection.generation,
    )


def connection_view(message: pb.Connection) -> ConnectionView:
    """Returns the connection in a message; a state of a newer release reads as needing the person."""
    return ConnectionView(
        connection_id=ConnectionId(message.connection_id),
        provider=message.provider,
        display_name=message.display_name,
        status=_STATUS_BY_STATE.get(message.state, ConnectionStatus.NEEDS_REAUTH),
        generation=message.generation,
    )


def completed_consent(message: pb.CompleteAuthorizationResponse) -> CompletedConsent:
    """Returns the connection in a message, with the code that confirms it; never log it."""
    if not message.confirmation_code:
        return CompletedConsent(connection_view(message.connection))
    return CompletedConsent(
        connection_view(message.connection),
        message.confirmation_code,
        message.confirmation_expire_time.ToMilliseconds(),
    )


def completion_message(
    connection: Connection, confirmation_code: str | None, expires_at_ms: int | None
) -> pb.CompleteAuthorizationResponse:
    """Returns the message that carries a new connection and its code; never log it."""
    message = pb.CompleteAuthorizationResponse(connection=connection_message(connection))
    if confirmation_code is not None and expires_at_ms is not None:
        message.confirmation_code = confirmation_code
        message.confirmation_expire_time.FromMilliseconds(expires_at_ms)
    return message


def token_message(token: AccessToken) -> pb.GetAccessTokenResponse:
    """Returns the message that carries a token; never log it."""
    message = pb.GetAccessTokenResponse(access_token=token.value, generation=token.generation)
    message.expire_time.FromMilliseconds(token.expires_at_ms)
    return message


def access_token(message: pb.GetAccessTokenResponse) -> AccessToken:
    """Returns the token in a message."""
    return AccessToken(message.access_token, message.generation, message.expire_time.ToMilliseconds())
