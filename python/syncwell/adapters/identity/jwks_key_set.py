"""The published keys of an identity provider, fetched and remembered."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import jwt
import msgspec
import structlog

from syncwell.domain.errors import UnavailableError
from syncwell.ports.clock import Clock

FRESH = timedelta(hours=1)
STALE_MAX = timedelta(hours=24)  # an issuer that is down must not lock out everybody whose key is known
REFETCH_PAUSE = timedelta(seconds=60)  # made-up key ids must not become a flood at the issuer
FETCH_DEADLINE = aiohttp.ClientTimeout(total=5.0)
DOCUMENT_BYTES_MAX = 256 * 1024
KEYS_MAX = 100

log = structlog.get_logger()


class JwksKeySet:
    """Keys by id from a JWKS document.

    The document is fetched when first needed and then hourly. An unknown id fetches it once more, at most once a
    minute; concurrent callers share one fetch.
    """

    def __init__(self, url: str, *, http: aiohttp.ClientSession, clock: Clock) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at_ms: int | None = None
        self._tried_at_ms: int | None = None
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """Returns the key named `key_id`, or None where the document does not hold it.

        Raises:
            UnavailableError: the document cannot be fetched and none younger than a day is remembered.
        """
        if key_id not in self._keys or not self._is_younger_than(FRESH):
            async with self._fetching:
                if (key_id not in self._keys or not self._is_younger_than(FRESH)) and self._may_fetch():
                    await self._fetch()
        if not self._is_younger_than(STALE_MAX):
            raise UnavailableError("the identity provider's keys cannot be fetched; try again")
        return self._keys.get(key_id)

    def _is_younger_than(self, age: timedelta) -> bool:
        return self._fetched_at_ms is not None and self._clock.now_ms() - self._fetched_at_ms < age / _MS

    def _may_fetch(self) -> bool:
        return self._tried_at_ms is None or self._clock.now_ms() - self._tried_at_ms >= REFETCH_PAUSE / _MS

    async def _fetch(self) -> None:
        self._tried_at_ms = self._clock.now_ms()
        try:
            async with self._http.get(self._url, timeout=FETCH_DEADLINE, allow_redirects=False) as answer:
                answer.raise_for_status()
                document = await answer.content.read(DOCUMENT_BYTES_MAX + 1)
                while not answer.content.at_eof() and len(document) <= DOCUMENT_BYTES_MAX:
                    document += await answer.content.read(DOCUMENT_BYTES_MAX + 1 - len(document))
            self._keys = _parse(document)
            self._fetched_at_ms = self._clock.now_ms()
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            log.warning("jwks_fetch_failed", url=self._url, error=type(exc).__name__)


_MS = timedelta(milliseconds=1)


def _parse(document: bytes) -> dict[str, jwt.PyJWK]:
    """Returns the usable keys by id; raises ValueError where the document is no key set."""
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError("the key set is too large")
    listed = msgspec.json.decode(document, type=dict[str, msgspec.Raw]).get("keys")
    if listed is None:
        raise ValueError("no keys in the document")
    keys: dict[str, jwt.PyJWK] = {}
    for entry in msgspec.json.decode(listed, type=list[dict[str, object]])[:KEYS_MAX]:
        key_id = entry.get("kid")
        if isinstance(key_id, str) and entry.get("use", "sig") == "sig":
            try:
                keys[key_id] = jwt.PyJWK.from_dict(entry)
            except (jwt.PyJWTError, ValueError, KeyError, TypeError):
                continue  # a kind of key that we do not know cannot have signed what we accept
    return keys
