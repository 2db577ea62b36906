"""Garmin's refusals in the words of our error tree; its texts are not passed on."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from syncwell.domain.errors import ProviderRefusedError, ReauthenticationNeededError
from syncwell.ports.roles import ProviderResponse
from syncwell.providers.garmin.settings import PROVIDER


class TokenFault(msgspec.Struct, frozen=True):
    """The RFC 6749 error of the token endpoint."""

    error: str | None = None


def missing_scope(response: ProviderResponse) -> str:  # noqa: ARG001 - Garmin tells missing permissions by 403
    """Returns nothing: a 401 of Garmin's is about the token."""
    return ""


def token_error(response: ProviderResponse) -> str:
    """Returns the RFC 6749 error code in a body; empty when there is none."""
    try:
        return msgspec.json.decode(response.body, type=TokenFault).error or ""
    except (msgspec.DecodeError, RecursionError, ValueError):
        return ""


def refuse(response: ProviderResponse, action: str) -> NoReturn:
    """Raises the refusal of a 4xx answer.

    Raises:
        ReauthenticationNeededError: 403, a permission that the person never gave or took back.
        ProviderRefusedError: everything else.
    """
    if response.status == 403:
        raise ReauthenticationNeededError(
            "Garmin's permission is missing: connect again and allow it", provider=PROVIDER, scope="ACTIVITY_EXPORT"
        )
    raise ProviderRefusedError(
        f"Garmin refused to {action} (HTTP {response.status})", provider=PROVIDER, status=str(response.status)
    )
