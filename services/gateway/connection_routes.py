"""Connecting and disconnecting accounts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from services.gateway.bodies import BodyDecoder
from services.gateway.call import JSON, Answer, Call, json_answer
from services.gateway.icons import Icons
from services.gateway.operations import Kind, Operation
from services.gateway.pages import SECURITY_HEADERS, AppLink, connected_page
from services.gateway.views import connection_view, consent_view
from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import InvalidInputError, NotFoundError
from syncwell.domain.records import ConnectionId
from syncwell.ports.connector import Callback, CompletedConsent, Connector
from syncwell.ports.roles import ProviderRegistry
from syncwell.repositories.accounts import Accounts

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUERY_CHARACTERS_MAX = {"state": 512, "code": 2048, "error": 200, "scope": 2048}
_VARY = (b"vary", b"accept")


class ConfirmationBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /v1/connections/{connectionId}/confirm`."""

    confirmation_code: Annotated[str, Meta(min_length=1, max_length=64)]


class CompletedView(Struct, frozen=True, rename="camel"):
    """What the callback tells a client that reads no pages."""

    connection_id: str
    provider: str
    status: ConnectionStatus
    confirmation_code: str | UnsetType = UNSET
    expires_at: datetime | UnsetType = UNSET


_decode_confirmation = BodyDecoder(ConfirmationBody)


class ConnectionRoutes:
    """A person's accounts; the credentials service does what needs tokens."""

    def __init__(
        self,
        accounts: Accounts,
        connector: Connector,
        registry: ProviderRegistry,
        icons: Icons,
        *,
        public_url: str,
        app_url: str = "",
    ) -> None:
        """Makes the routes; `app_url` is where the page after a consent leads back to, empty for nowhere.

        Raises:
            SetupError: the app's address is not one that a page may lead to.
        """
        self._accounts = accounts
        self._connector = connector
        self._registry = registry
        self._icons = icons
        self._public_url = public_url
        self._app_link = AppLink(app_url) if app_url else None

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        root = "/v1/connections"
        return (
            Operation("listConnections", "GET", root, Kind.READ, self.list_connections),
            Operation("authorizeConnection", "POST", root + "/{provider}/authorize", Kind.CHANGE, self.authorize),
            Operation("completeConnection", "GET", root + "/{provider}/callback", Kind.PAGE, self.complete),
            Operation(
                "confirmConnection", "POST", root + "/{connectionId}/confirm", Kind.CHANGE, self.confirm, has_body=True
            ),
            Operation("deleteConnection", "DELETE", root + "/{connectionId}", Kind.CHANGE, self.delete),
        )

    async def list_connections(self, call: Call) -> Answer:
        """Returns the connections that were not ended."""
        call.refuse_unknown_query()
        stored = await self._accounts.load_connections(call.user_id)
        live = [each for each in stored if each.status is not ConnectionStatus.REVOKED]
        return json_answer(200, {"connections": [connection_view(each, self._icons) for each in live]})

    async def authorize(self, call: Call) -> Answer:
        """Opens a consent."""
        provider = self._registry.get(call.params["provider"]).capabilities.provider
        redirect_uri = f"{self._public_url}/v1/connections/{provider}/callback"
        consent = await self._connector.begin(call.user_id, provider, redirect_uri=redirect_uri)
        return json_answer(200, consent_view(consent))

    async def complete(self, call: Call) -> Answer:
        """Takes the provider's redirect; unknown parameters are the provider's own and are ignored."""
        capabilities = self._registry.get(call.params["provider"]).capabilities
        for name, longest in _QUERY_CHARACTERS_MAX.items():
            if len(call.query.get(name, "")) > longest:
                raise InvalidInputError("a parameter is too long", field=name)
        callback = Callback(**{name: call.query.get(name, "") for name in _QUERY_CHARACTERS_MAX})
        if not callback.state:
            raise InvalidInputError("the redirect carries no state", field="state")
        done = await self._connector.complete(capabilities.provider, callback)
        if _reads_json_alone(call.headers):
            return json_answer(200, _completed_view(done), _VARY, *SECURITY_HEADERS)
        return connected_page(done, capabilities.display_name, self._app_link, _VARY)

    async def confirm(self, call: Call) -> Answer:
        """Activates a pending connection."""
        code = _decode_confirmation(call.body).confirmation_code
        connection = await self._connector.confirm(call.user_id, _connection_id(call), code)
        return json_answer(200, connection_view(connection, self._icons))

    async def delete(self, call: Call) -> Answer:
        """Ends a connection."""
        await self._connector.revoke(call.user_id, _connection_id(call))
        return Answer(204)


def _reads_json_alone(headers: Mapping[bytes, bytes]) -> bool:
    """Tells whether the caller asked for JSON; browsers always accept pages."""
    accepted = {each.partition(b";")[0].strip().lower() for each in headers.get(b"accept", b"").split(b",")}
    return JSON.encode() in accepted and b"text/html" not in accepted


def _completed_view(done: CompletedConsent) -> CompletedView:
    connection, until_ms = done.connection, done.expires_at_ms
    return CompletedView(
        connection.connection_id,
        connection.provider,
        connection.status,
        UNSET if done.confirmation_code is None else done.confirmation_code,
        UNSET if until_ms is None else datetime.fromtimestamp(until_ms / 1000, tz=UTC),
    )


def _connection_id(call: Call) -> ConnectionId:
    text = call.params["connectionId"]
    if _ID.fullmatch(text) is None:
        raise NotFoundError("there is no such connection")
    return ConnectionId(text)
