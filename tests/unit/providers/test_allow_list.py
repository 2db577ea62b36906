"""The allow-list: registered origins over https, public addresses only."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from syncwell.domain.errors import ProviderInvalidAnswerError
from syncwell.providers.allow_list import AllowList, PublicResolver
from tests.unit.providers.stages import live_settings


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/api/v3/x",
        "https://www.example.com/oauth/token?a=b",
        "https://files.example.com/f",
        "https://api.example.com:443/x",
    ],
)
def test_own_hosts_pass(url: str) -> None:
    """Hosts of the settings pass, whatever the path."""
    assert str(AllowList(live_settings()).check(url)).startswith("https://")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/x",
        "https://api.example.com:8443/x",
        "https://api.example.com.evil.net/x",
        "https://evil.net/?https://api.example.com/",
        "https://api.example.com@evil.net/x",
        "https://user@api.example.com/x",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
        "//api.example.com/x",
        "api.example.com/x",
        "https://",
        "",
        "https://[::1]/x",
        "https://api.example.com\\@evil.net/",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    """Other hosts, ports, schemes and disguises are refused, and the error quotes nothing."""
    with pytest.raises(ProviderInvalidAnswerError) as caught:
        AllowList(live_settings()).check(url)
    assert "evil" not in str(caught.value)


def test_private_address_is_refused_even_when_configured() -> None:
    """A live provider that is set to a private address is not called."""
    settings = replace(live_settings(), extra_hosts=("10.0.0.7",))
    with pytest.raises(ProviderInvalidAnswerError):
        AllowList(settings).check("https://10.0.0.7/x")


def test_sandbox_origin_passes() -> None:
    """Settings moved to a sandbox allow its origin and nothing of the live service."""
    moved = live_settings().at_origin("http://127.0.0.1:9999")
    assert moved.token_url == "http://127.0.0.1:9999/oauth/token"
    assert moved.api_url == "http://127.0.0.1:9999/api/v3"
    allow_list = AllowList(moved)
    allow_list.check("http://127.0.0.1:9999/api/v3/x")
    for url in ("https://api.example.com/x", "http://127.0.0.1:9998/x", "https://files.example.com/f"):
        with pytest.raises(ProviderInvalidAnswerError):
            allow_list.check(url)


class FixedResolver(AbstractResolver):
    """Answers with fixed addresses."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0) for each in self._hosts
        ]

    async def close(self) -> None:
        return


async def test_names_that_lead_inside_are_not_called() -> None:
    """A name that resolves to private addresses has none; public ones stay."""
    mixed = PublicResolver(FixedResolver("10.1.2.3", "93.184.215.14", "::1", "fe80::1%eth0"))
    assert [each["host"] for each in await mixed.resolve("api.example.com", 443)] == ["93.184.215.14"]
    inside = PublicResolver(FixedResolver("127.0.0.1", "169.254.169.254"))
    with pytest.raises(OSError, match="private"):
        await inside.resolve("api.example.com", 443)
