"""What differs between a live provider, its sandbox and somebody's own application: URLs, client ids, hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from yarl import URL


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The settings of one provider. The client secret never prints and the whole is never serialised.

    `extra_hosts` are allowed beside the hosts of the four URLs. `window_limits` replaces declared call limits by the
    name of their window, where the provider has agreed to others. `allows_private_addresses` is for sandboxes only.
    """

    provider: str
    api_url: str
    authorize_url: str
    token_url: str
    revoke_url: str
    client_id: str
    client_secret: str = field(repr=False)
    extra_hosts: tuple[str, ...] = ()
    window_limits: Mapping[str, int] = field(default_factory=dict)
    allows_private_addresses: bool = False

    def at_origin(self, origin: str) -> ProviderSettings:
        """Returns these settings with every URL moved to `origin` (a sandbox), paths unchanged."""
        target = URL(origin).origin()

        def moved(url: str) -> str:
            return str(target.join(URL(url).relative()))

        return replace(
            self,
            api_url=moved(self.api_url),
            authorize_url=moved(self.authorize_url),
            token_url=moved(self.token_url),
            revoke_url=moved(self.revoke_url),
            extra_hosts=(),
            allows_private_addresses=True,
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("provider settings hold a secret and are never serialised")
