"""Opens a consent: a one-time state, a PKCE challenge, and the URL to send the person to."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.ports.connector import Consent
from syncwell.ports.roles import OAuth, ProviderRegistry
from syncwell.repositories.consents import Consents

RandomBytes = Callable[[int], bytes]

CONSENT_LIFE = timedelta(minutes=10)
SECRET_BYTES = 32  # 256 bits for the state and for the verifier
REDIRECT_CHARS_MAX = 2_000
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class BeginAuthorization:
    """Makes the first half of a consent. `random_bytes` must be fit for secrets."""

    def __init__(
        self, consents: Consents, providers: ProviderRegistry, clock: Clock, random_bytes: RandomBytes
    ) -> None:
        self._consents = consents
        self._providers = providers
        self._clock = clock
        self._random_bytes = random_bytes

    async def run(self, user_id: UserId, provider: str, *, redirect_uri: str) -> Consent:
        """Returns where to send the person; the answer counts once, within ten minutes.

        Raises:
            NotFoundError: no provider has this id.
            InvalidInputError: the provider has no consent page, or the redirect is no URL that could be registered.
            SecretStoreUnavailableError: the verifier cannot be sealed; nothing was opened.
        """
        oauth = oauth_of(self._providers, provider)
        _check_redirect(redirect_uri)
        state, verifier = (new_secret(self._random_bytes, SECRET_BYTES) for _ in range(2))
        url = oauth.consent_url(state=state, code_challenge=challenge_of(verifier), redirect_uri=redirect_uri)
        expires_at_ms = self._clock.now_ms() + int(CONSENT_LIFE.total_seconds() * 1000)
        await self._consents.add(
            state,
            verifier,
            user_id=user_id,
            provider=provider,
            redirect_uri=redirect_uri,
            expires_at_ms=expires_at_ms,
        )
        return Consent(url, expires_at_ms)


def new_secret(random_bytes: RandomBytes, byte_count: int) -> str:
    """Returns a secret of so many random bytes, in letters that may stand in a URL."""
    return base64.urlsafe_b64encode(random_bytes(byte_count)).decode().rstrip("=")


def challenge_of(verifier: str) -> str:
    """Returns the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def oauth_of(providers: ProviderRegistry, provider: str) -> OAuth:
    """Returns the provider's consent role.

    Raises:
        NotFoundError: no provider has this id.
        InvalidInputError: the provider has no consent page.
    """
    oauth = providers.get(provider).oauth
    if oauth is None:
        raise InvalidInputError(
            "this provider has no consent page; it is connected by the command line (`syncwell connect-files`)",
            provider=provider,
        )
    return oauth


def _check_redirect(redirect_uri: str) -> None:
    """Refuses what no provider would register: relative, with fragment, or in the clear beyond this machine."""
    try:
        parts = urlsplit(redirect_uri)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", urlsplit("")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK_HOSTS)
    is_plain = redirect_uri.isascii() and not parts.fragment and parts.username is None
    if not (host and is_safe and is_plain) or len(redirect_uri) > REDIRECT_CHARS_MAX:
        raise InvalidInputError(
            "the redirect must be an absolute https URL (http on this machine)", field="redirectUri"
        )
