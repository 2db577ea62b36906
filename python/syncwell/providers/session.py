"""Authenticated calls on behalf of one connection, and the factory that opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from syncwell.domain.connections import Connection
from syncwell.domain.errors import ProviderRefusedError, ReauthenticationNeededError
from syncwell.domain.jobs import Priority
from syncwell.ports.roles import ProviderResponse, ProviderSession
from syncwell.ports.tokens import TokenSource
from syncwell.providers.metered_client import Call, MeteredClient
from syncwell.providers.response import Response

MissingScope = Callable[[ProviderResponse], str]
"""Returns the scope that a 401 answer says was never granted; empty when the token itself is the trouble."""


class MeteredSession:
    """Implements `ProviderSession` over a provider's metered client."""

    def __init__(
        self,
        client: MeteredClient,
        tokens: TokenSource,
        connection: Connection,
        missing_scope: MissingScope,
        *,
        priority: Priority,
        deadline_ms: int,
    ) -> None:
        """Holds no token: each call asks `tokens`, whose cache forgets revoked grants."""
        self._client = client
        self._tokens = tokens
        self._connection = connection
        self._missing_scope = missing_scope
        self._priority = priority
        self._deadline_ms = deadline_ms
        self._base = client.settings.api_url.rstrip("/") + "/"

    @property
    def account(self) -> str:
        """The external user id of the connection."""
        return self._connection.external_user_id

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        upload: tuple[str, bytes] | None = None,
        is_write: bool = False,  # noqa: ARG002 - the budget knows writes by method and path, as providers do
        body_bytes_max: int = 8_000_000,
    ) -> ProviderResponse:
        """Calls with the connection's token; see `ProviderSession.request`."""
        url = path if "://" in path else self._base + path.lstrip("/")

        async def attempt(access_token: str) -> Response:
            return await self._client.call(
                Call(
                    method=method,
                    url=url,
                    headers={"Authorization": f"Bearer {access_token}"},
                    params=params,
                    form=form,
                    upload=upload,
                    priority=self._priority,
                    deadline_ms=self._deadline_ms,
                    body_bytes_max=body_bytes_max,
                )
            )

        who = (self._connection.user_id, self._connection.connection_id)
        token = await self._tokens.access_token(*who)
        response = await attempt(token.value)
        if response.status != 401:
            return response
        self._refuse_missing_scope(response)
        fresh = await self._tokens.access_token(*who, rejected_generation=token.generation)
        response = await attempt(fresh.value)
        if response.status != 401:
            return response
        self._refuse_missing_scope(response)
        raise self._reauthentication("the provider refuses even a fresh token: connect the account again")

    def _refuse_missing_scope(self, response: Response) -> None:
        scope = self._missing_scope(response)
        if scope:
            raise self._reauthentication("a permission was not granted: connect again and allow it", scope=scope)

    def _reauthentication(self, message: str, **fields: str) -> ReauthenticationNeededError:
        return ReauthenticationNeededError(message, provider=self._connection.provider, **fields)


class OfflineSession:
    """Implements `ProviderSession` for providers without HTTP, such as a folder: it refuses every call."""

    def __init__(self, connection: Connection) -> None:
        """Says whose `connection` it is, and names its provider in refusals."""
        self._connection = connection

    @property
    def account(self) -> str:
        """The external user id of the connection."""
        return self._connection.external_user_id

    async def request(self, method: str, path: str, **_: object) -> ProviderResponse:  # noqa: ARG002 - never called
        """Refuses.

        Raises:
            ProviderRefusedError: always.
        """
        raise ProviderRefusedError("this provider has no network address", provider=self._connection.provider)


class Installed(Protocol):
    """What the factory needs of the registry."""

    def client(self, provider: str) -> MeteredClient | None:
        """Returns the provider's metered client; None for one without HTTP."""
        ...

    def missing_scope(self, provider: str) -> MissingScope:
        """Returns the provider's reading of a 401."""
        ...


class MeteredSessions:
    """Implements `ProviderSessions` over the registry's clients."""

    def __init__(self, installed: Installed, tokens: TokenSource) -> None:
        """Takes clients from `installed` and access tokens from `tokens`."""
        self._installed = installed
        self._tokens = tokens

    def open(self, connection: Connection, *, priority: Priority, deadline_ms: int) -> ProviderSession:
        """Returns a session of `connection`; see `ProviderSessions.open`.

        Raises:
            NotFoundError: no provider has this id.
        """
        client = self._installed.client(connection.provider)
        if client is None:
            return OfflineSession(connection)
        return MeteredSession(
            client,
            self._tokens,
            connection,
            self._installed.missing_scope(connection.provider),
            priority=priority,
            deadline_ms=deadline_ms,
        )
