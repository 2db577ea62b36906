"""Strava's refusals in the words of our error tree; no text of Strava's own is passed on."""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from syncwell.domain.errors import ProviderRefusedError
from syncwell.ports.roles import ProviderResponse
from syncwell.providers.strava.settings import PROVIDER

# Both texts: `ride.fit duplicate of activity 123` and `... duplicate of <a href='/activities/123' ...>`.
DUPLICATE = re.compile(r"duplicate of\D*(\d+)")


class FaultItem(msgspec.Struct, frozen=True):
    """One entry of a fault."""

    resource: str | None = None
    field: str | None = None
    code: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """Strava's error body; `errors` is a plain string in some answers."""

    message: str | None = None
    errors: list[FaultItem] | str | None = None

    @property
    def items(self) -> list[FaultItem]:
        """The entries, where there are any."""
        return self.errors if isinstance(self.errors, list) else []


def fault_of(response: ProviderResponse) -> Fault:
    """Returns the fault in a body; an empty one where the body is none (empty, HTML)."""
    try:
        return msgspec.json.decode(response.body, type=Fault)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return Fault()


def missing_scope(response: ProviderResponse) -> str:
    """Returns the scope that a 401 says was never granted; empty when the token itself was refused."""
    for item in fault_of(response).items:
        if item.resource == "AccessToken" and item.code == "missing":
            return item.field or "unknown"
    return ""


def duplicate_of(text: str) -> str | None:
    """Returns the id of the activity that Strava calls the original, from either form of its text."""
    found = DUPLICATE.search(text)
    return found[1] if found else None


def refuse(response: ProviderResponse, action: str) -> NoReturn:
    """Raises the refusal of a 4xx answer, naming the parts that Strava complained about."""
    codes = ", ".join(f"{item.field or item.resource} {item.code}" for item in fault_of(response).items[:3])
    raise ProviderRefusedError(
        f"Strava refused to {action} (HTTP {response.status})",
        provider=PROVIDER,
        status=str(response.status),
        reason=codes[:200],
    )
