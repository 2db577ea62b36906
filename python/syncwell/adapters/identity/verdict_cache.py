"""Remembers which tokens were found good, so that a person's next request costs a look-up."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics

LIFE_MAX = timedelta(minutes=5)
ENTRIES_MAX = 10_000
NAME = "verdicts"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A good token's user. It must not be used from `until_ms` on."""

    user_id: UserId
    until_ms: int


class VerdictCache:
    """Least recently used verdicts by token digest; bounded, at most five minutes old, never past the token's end."""

    def __init__(self, clock: Clock, *, entries_max: int = ENTRIES_MAX, metrics: Metrics = NO_METRICS) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._metrics = metrics
        self._verdicts: OrderedDict[bytes, Verdict] = OrderedDict()

    def get(self, token: bytes) -> UserId | None:
        """Returns whose good token this is, or None where it must be verified."""
        digest = _digest(token)
        verdict = self._verdicts.get(digest)
        if verdict is not None and self._clock.now_ms() >= verdict.until_ms:
            del self._verdicts[digest]
            verdict = None
        if verdict is None:
            self._metrics.count(Metric.CACHE_MISSES, cache=NAME)
            return None
        self._metrics.count(Metric.CACHE_HITS, cache=NAME)
        self._verdicts.move_to_end(digest)
        return verdict.user_id

    def put(self, token: bytes, user_id: UserId, *, expires_at_ms: int) -> None:
        """Remembers that `token` belongs to `user_id` and dies at `expires_at_ms`."""
        until_ms = min(expires_at_ms, self._clock.now_ms() + LIFE_MAX // timedelta(milliseconds=1))
        self._verdicts[_digest(token)] = Verdict(user_id, until_ms)
        if len(self._verdicts) > self._entries_max:
            self._verdicts.popitem(last=False)
            self._metrics.count(Metric.CACHE_EVICTIONS, cache=NAME)

    def clear(self) -> None:
        """Forgets everything; every token is verified anew."""
        self._verdicts.clear()

    def __len__(self) -> int:
        return len(self._verdicts)


def _digest(token: bytes) -> bytes:
    """Keeps tokens out of this process's long-lived memory."""
    return hashlib.blake2b(token, digest_size=16).digest()
