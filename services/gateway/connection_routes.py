"""Connecting and disconnecting accounts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.gateway.call import Answer, Call, json_answer
from services.gateway.icons import Icons
from services.gateway.operations import Kind, Operation
from services.gateway.pages import connected_page
from services.gateway.views import connection_view, consent_view
from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import InvalidInputError, NotFoundError
from syncwell.domain.records import ConnectionId
from syncwell.ports.connector import Callback, Connector
from syncwell.ports.roles import ProviderRegistry
from syncwell.repositories.accounts import Accounts

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUERY_CHARACTERS_MAX = {"state": 512, "code": 2048, "error": 200, "scope": 2048}


class ConnectionRoutes:
    """A person's accounts; the credentials service does what needs tokens."""

    def __init__(
        self, accounts: Accounts, connector: Connector, registry: ProviderRegistry, icons: Icons, *, public_url: str
    ) -> None:
        self._accounts = accounts
        self._connector = connector
        self._registry = registry
        self._icons = icons
        self._public_url = public_url

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        root = "/v1/connections"
        return (
            Operation("listConnections", "GET", root, Kind.READ, self.list_connections),
            Operation("authorizeConnection", "POST", root + "/{provider}/authorize", Kind.CHANGE, self.authorize),
            Operation("completeConnection", "GET", root + "/{provider}/callback", Kind.PAGE, self.complete),
            Operation("confirmConnection", "POST", root + "/{connectionId}/confirm", Kind.CHANGE, self.confirm),
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
        connection = await self._connector.complete(capabilities.provider, callback)
        return connected_page(connection, capabilities.display_name)

    async def confirm(self, call: Call) -> Answer:
        """Activates a pending connection."""
        connection = await self._connector.confirm(call.user_id, _connection_id(call))
        return json_answer(200, connection_view(connection, self._icons))

    async def delete(self, call: Call) -> Answer:
        """Ends a connection."""
        await self._connector.revoke(call.user_id, _connection_id(call))
        return Answer(204)


def _connection_id(call: Call) -> ConnectionId:
    text = call.params["connectionId"]
    if _ID.fullmatch(text) is None:
        raise NotFoundError("there is no such connection")
    return ConnectionId(text)
