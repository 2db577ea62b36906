"""Who a verified token speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import jwt

LEEWAY = timedelta(seconds=60)  # clocks of phones and issuers differ by this much
ISSUER_ALGORITHMS = ("RS256", "ES256")  # what Firebase and Cognito sign with; never a symmetric one
SUBJECT_CHARACTERS_MAX = 255  # OpenID Connect Core, section 2
ROLES_CLAIM = "roles"
ROLES_MAX = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as an issuer knows them; made by `TokenVerifier` only. `roles` are what the issuer lets them do."""

    issuer: str
    subject: str
    expires_at_ms: int
    roles: frozenset[str] = frozenset()


class KeySet(Protocol):
    """The public keys of one issuer."""

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """Returns the key named `key_id`, or None where the issuer has no such key.

        Raises:
            UnavailableError: the issuer's keys cannot be fetched and none are remembered.
        """
        ...


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer whose tokens are accepted, and for whom they must be meant."""

    issuer: str
    audience: str
    keys: KeySet
    algorithms: Sequence[str] = ISSUER_ALGORITHMS
