"""Access tokens kept just in time: few, briefly, never past their end."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.tokens import AccessToken

ENTRIES_MAX = 1_000  # connections that a process serves within some minutes
LIFE = timedelta(minutes=5)  # how long a token may be handed out without a look at its row


class TokenCache:
    """A bounded cache that forgets the least recently used. It may be empty at any time."""

    def __init__(self, clock: Clock, *, entries_max: int = ENTRIES_MAX, life: timedelta = LIFE) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._life_ms = int(life.total_seconds() * 1000)
        self._entries: OrderedDict[tuple[UserId, ConnectionId], tuple[int, AccessToken]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, user_id: UserId, connection_id: ConnectionId) -> AccessToken | None:
        """Returns the user's token, or None where there is none or it is too old."""
        key = (user_id, connection_id)
        entry = self._entries.get(key)
        if entry is None:
            return None
        until_ms, token = entry
        if self._clock.now_ms() >= until_ms:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return token

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

    def drop(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Forgets the token."""
        self._entries.pop((user_id, connection_id), None)
