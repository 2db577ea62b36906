"""The capability table and its icons."""

from __future__ import annotations

from collections.abc import Sequence

from services.gateway.call import Answer, Call, json_answer
from services.gateway.icons import Icons
from services.gateway.operations import Kind, Operation
from services.gateway.views import provider_view
from syncwell.ports.roles import ProviderRegistry

SVG = "image/svg+xml"
_FOR_EVER = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),  # a picture may not run scripts
    (b"x-content-type-options", b"nosniff"),
)


class ProviderRoutes:
    """What this installation can connect."""

    def __init__(self, registry: ProviderRegistry, icons: Icons) -> None:
        self._registry = registry
        self._icons = icons

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        return (
            Operation("listProviders", "GET", "/v1/providers", Kind.READ, self.list_providers),
            Operation("getProviderIcon", "GET", "/v1/provider-icons/{icon}", Kind.PUBLIC, self.get_icon),
        )

    async def list_providers(self, _: Call) -> Answer:
        """Returns the table."""
        return json_answer(200, {"providers": [provider_view(each, self._icons) for each in self._registry.all()]})

    async def get_icon(self, call: Call) -> Answer:
        """Returns one picture."""
        return Answer(200, self._icons.picture(call.params["icon"]), SVG, _FOR_EVER)
