"""Access tokens kept just in time: few, briefly, never past their end."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.ports.tokens import AccessToken

ENTRIES_MAX = 1_000  # connections that a process serves within some minutes
NAME = "access_tokens"
LIFE = timedelta(minutes=5)  # how long a token may be handed out without a look at its row


class TokenCache:
    """A bounded cache that forgets the least recently used. It may be empty at any time."""

    def __init__(
        self,
        clock: Clock,
        *,
        entries_max: int = ENTRIES_MAX,
        life: timedelta = LIFE,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._metrics = metrics
        self._life_ms = int(life.total_seconds() * 1000)
        self._entries: OrderedDict[tuple[UserId, ConnectionId], tuple[int, AccessToken]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, user_id: UserId, connection_id: ConnectionId) -> AccessToken | None:
        """Returns the user's token, or None where there is none or it is too old."""
        key = (user_id, connection_id)
        entry = self._entries.get(key)
        if entry is not None and self._clock.now_ms() >= entry[0]:
            del self._entries[key]
            entry = None
        if entry is None:
            self._metrics.count(Metric.CACHE_MISSES, cache=NAME)
            return None
        self._metrics.count(Metric.CACHE_HITS, cache=NAME)
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, user_id: UserId, connection_id: ConnectionId, token: AccessToken) -> None:
        """Keeps `token` unless one of a newer generation is there."""
        key = (user_id, connection_id)
        entry = self._entries.get(key)
        if entry is not None and entry[1].generation > token.generation:
            return
        until_ms = min(self._clock.now_ms() + self._life_ms, token.expires_at_ms)
        self._entries[key] = (until_ms, token)
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
            self._metrics.count(Metric.CACHE_EVICTIONS, cache=NAME)

    def drop(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Forgets the token."""
        if self._entries.pop((user_id, connection_id), None) is not None:
            self._metrics.count(Metric.CACHE_INVALIDATIONS, cache=NAME)
