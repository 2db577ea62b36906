"""The role of a provider that tells us when something has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from syncwell.domain.records import DataType


class WebhookKind(StrEnum):
    """What an event says."""

    CHANGED = "changed"
    DELETED = "deleted"
    DEAUTHORIZED = "deauthorized"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event of a provider. `at_ms` is the provider's own time of it; `subscription` whose delivery it was.

    `identity` is the same for repetitions of the event and for nothing else.
    """

    kind: WebhookKind
    external_user_id: str
    subscription: str
    at_ms: int
    identity: bytes
    data_type: DataType
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A standing order for events at a provider."""

    subscription_id: str
    callback_url: str


class Webhooks(Protocol):
    """Reads a provider's deliveries, and orders them."""

    def challenge_of(self, query: Mapping[str, str]) -> tuple[str, bytes] | None:
        """Returns the token and the answer (JSON) of a verification; None where `query` is none."""
        ...

    def events_of(self, headers: Mapping[bytes, bytes], body: bytes, *, now_ms: int) -> Sequence[WebhookEvent]:
        """Returns the events of a delivery that concern us; header names are in lower case.

        Raises:
            NotAuthenticatedError: a signature is there and wrong, or too old.
            InvalidInputError: the body is no delivery of this provider.
        """
        ...

    async def subscribe(self, callback_url: str, *, verify_token: str) -> Subscription:
        """Orders events for `callback_url`, which is verified meanwhile; finds the order that is there already.

        Raises:
            ConflictError: there is an order for another address; `fields["subscription_id"]` names it.
            ProviderRefusedError: the provider does not accept the address or the application.
            ProviderUnavailableError: the outcome is unknown; the same call again is safe.
        """
        ...
