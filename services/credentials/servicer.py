"""`CredentialService`: who calls, parse, one use case, answer."""

from __future__ import annotations

from typing import Any

import grpc

from syncwell.adapters.grpc.channel import USER_KEY
from syncwell.adapters.grpc.connection_messages import completion_message, connection_message, token_message
from syncwell.api.credentials.v1 import credentials_pb2 as pb
from syncwell.api.credentials.v1.credentials_pb2_grpc import CredentialServiceServicer
from syncwell.domain.errors import NotAuthenticatedError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.connector import Callback
from syncwell.runtime.caller_identity import CallerVerifier
from syncwell.usecases.begin_authorization import BeginAuthorization
from syncwell.usecases.complete_authorization import CompleteAuthorization
from syncwell.usecases.confirm_connection import ConfirmConnection
from syncwell.usecases.issue_access_token import IssueAccessToken
from syncwell.usecases.revoke_connection import RevokeConnection

PEOPLE_SIDE = "gateway"
WORKERS = ("sync_worker", "scheduler")


class CredentialServicer(CredentialServiceServicer):
    """Lets the gateway connect and workers use; nothing here is ever logged."""

    def __init__(
        self,
        callers: CallerVerifier,
        *,
        begin: BeginAuthorization,
        complete: CompleteAuthorization,
        confirm: ConfirmConnection,
        issue: IssueAccessToken,
        revoke: RevokeConnection,
    ) -> None:
        self._callers = callers
        self._begin = begin
        self._complete = complete
        self._confirm = confirm
        self._issue = issue
        self._revoke = revoke

    async def BeginAuthorization(
        self,
        request: pb.BeginAuthorizationRequest,
        context: grpc.aio.ServicerContext[pb.BeginAuthorizationRequest, pb.BeginAuthorizationResponse],
    ) -> pb.BeginAuthorizationResponse:
        """Opens a consent."""
        self._callers.require(context, PEOPLE_SIDE)
        consent = await self._begin.run(_user_in(context), request.provider, redirect_uri=request.redirect_uri)
        answer = pb.BeginAuthorizationResponse(consent_url=consent.url)
        answer.expire_time.FromMilliseconds(consent.expires_at_ms)
        return answer

    async def CompleteAuthorization(
        self,
        request: pb.CompleteAuthorizationRequest,
        context: grpc.aio.ServicerContext[pb.CompleteAuthorizationRequest, pb.CompleteAuthorizationResponse],
    ) -> pb.CompleteAuthorizationResponse:
        """Takes a provider's callback."""
        self._callers.require(context, PEOPLE_SIDE)
        callback = Callback(state=request.state, code=request.code, error=request.error, scope=request.scope)
        done = await self._complete.run(request.provider, callback)
        return completion_message(done.connection, done.confirmation_code, done.expires_at_ms)

    async def ConfirmConnection(
        self,
        request: pb.ConfirmConnectionRequest,
        context: grpc.aio.ServicerContext[pb.ConfirmConnectionRequest, pb.ConfirmConnectionResponse],
    ) -> pb.ConfirmConnectionResponse:
        """Activates a pending connection."""
        self._callers.require(context, PEOPLE_SIDE)
        connection = await self._confirm.run(
            _user_in(context), ConnectionId(request.connection_id), request.confirmation_code
        )
        return pb.ConfirmConnectionResponse(connection=connection_message(connection))

    async def GetAccessToken(
        self,
        request: pb.GetAccessTokenRequest,
        context: grpc.aio.ServicerContext[pb.GetAccessTokenRequest, pb.GetAccessTokenResponse],
    ) -> pb.GetAccessTokenResponse:
        """Hands out an access token."""
        self._callers.require(context, *WORKERS)
        rejected = request.rejected_generation if request.HasField("rejected_generation") else None
        token = await self._issue.run(
            _user_in(context), ConnectionId(request.connection_id), rejected_generation=rejected
        )
        return token_message(token)

    async def RevokeConnection(
        self,
        request: pb.RevokeConnectionRequest,
        context: grpc.aio.ServicerContext[pb.RevokeConnectionRequest, pb.RevokeConnectionResponse],
    ) -> pb.RevokeConnectionResponse:
        """Ends a connection."""
        self._callers.require(context, PEOPLE_SIDE)
        await self._revoke.run(_user_in(context), ConnectionId(request.connection_id))
        return pb.RevokeConnectionResponse()

    async def NoteDeauthorization(
        self,
        request: pb.NoteDeauthorizationRequest,
        context: grpc.aio.ServicerContext[pb.NoteDeauthorizationRequest, pb.NoteDeauthorizationResponse],
    ) -> pb.NoteDeauthorizationResponse:
        """Ends a connection that is ended at the provider."""
        self._callers.require(context, PEOPLE_SIDE)
        await self._revoke.run(_user_in(context), ConnectionId(request.connection_id), is_ended_there=True)
        return pb.NoteDeauthorizationResponse()


def _user_in(context: grpc.aio.ServicerContext[Any, Any]) -> UserId:  # Any: as in `CallerVerifier.require`
    user_id = str(dict(context.invocation_metadata() or ()).get(USER_KEY, ""))
    if not user_id or "#" in user_id:
        raise NotAuthenticatedError("this call needs a user")
    return UserId(user_id)
