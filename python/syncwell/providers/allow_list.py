"""Which URLs a provider's client may call: registered origins only, public addresses only."""

from __future__ import annotations

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from syncwell.domain.errors import ProviderInvalidAnswerError
from syncwell.providers.settings import ProviderSettings


class AllowList:
    """Decides, before a call and before each redirect, whether a URL belongs to the provider."""

    def __init__(self, settings: ProviderSettings) -> None:
        """Allows the origins of the settings' URLs and, over https, their extra hosts."""
        urls = (settings.api_url, settings.authorize_url, settings.token_url, settings.revoke_url)
        self._provider = settings.provider
        self._origins = {origin_of(URL(url)) for url in urls} | {("https", host, 443) for host in settings.extra_hosts}
        self._allows_private = settings.allows_private_addresses

    def check(self, url: str | URL) -> URL:
        """Returns the parsed URL.

        Raises:
            ProviderInvalidAnswerError: it is no URL, or its host is not one of the provider's.
        """
        try:
            parsed = URL(url)
            origin = origin_of(parsed)
        except (ValueError, TypeError) as exc:
            raise ProviderInvalidAnswerError("the provider named an address that is no URL", **self._who) from exc
        if origin not in self._origins or parsed.user is not None:
            raise ProviderInvalidAnswerError("the provider named an address on a host that is not its own", **self._who)
        if not self._allows_private and parsed.scheme != "https":
            raise ProviderInvalidAnswerError("the provider named an address without encryption", **self._who)
        if not self._allows_private and is_private(parsed.host or ""):
            raise ProviderInvalidAnswerError("the provider named a private address", **self._who)
        return parsed

    @property
    def _who(self) -> dict[str, str]:
        return {"provider": self._provider}


class PublicResolver(AbstractResolver):
    """Resolves names, and drops every private, loopback and link-local answer (DNS rebinding)."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        """Wraps `inner`, by default the operating system's resolver."""
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Returns the public addresses of `host`.

        Raises:
            OSError: there is none.
        """
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if not is_private(each["host"])]
        if not public:
            raise OSError("the host resolves to private addresses only")
        return public

    async def close(self) -> None:
        """Closes the inner resolver."""
        await self._inner.close()


def origin_of(url: URL) -> tuple[str, str, int]:
    """Returns scheme, host and port, the scheme's own port where none is named.

    Raises:
        ValueError: the URL is relative or names no host.
    """
    if not url.host or url.port is None:
        raise ValueError("a URL without a host has no origin")
    return url.scheme, url.host, url.port


def is_private(host: str) -> bool:
    """True for a literal address that is not on the public internet; False for names."""
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return False
