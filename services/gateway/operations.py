"""An operation of the OpenAPI document with its handler, and what every operation of its kind goes through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from services.gateway.call import Answer, Call

Handler = Callable[[Call], Awaitable[Answer]]


class Kind(StrEnum):
    """What is asked of a caller, and what is promised.

    PUBLIC needs no token; PAGE neither, and answers people in HTML, errors too. READ is a user's GET with ETag. CHANGE
    needs an Idempotency-Key and its answer is remembered; ACCEPT needs one too, but the job row is its record. WEBHOOK
    is a provider's delivery: no token, no key, a body as it comes, an answer within two seconds.
    """

    PUBLIC = "public"
    PAGE = "page"
    READ = "read"
    CHANGE = "change"
    ACCEPT = "accept"
    WEBHOOK = "webhook"

    @property
    def needs_key(self) -> bool:
        """True where an Idempotency-Key is required."""
        return self in (Kind.CHANGE, Kind.ACCEPT)

    @property
    def needs_user(self) -> bool:
        """True where a valid token is required."""
        return self not in (Kind.PUBLIC, Kind.PAGE, Kind.WEBHOOK)


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: `operation_id` and `path` are those of the document; `role`, where named, is asked of the caller."""

    operation_id: str
    method: str
    path: str
    kind: Kind
    handle: Handler
    has_body: bool = False
    role: str = ""
