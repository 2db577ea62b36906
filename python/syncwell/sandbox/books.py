"""The books of a sandbox: every call that it was asked, and counters over all of them.

The books are the truth against which a synchronisation is judged, so they are only ever appended to. They hold ids and
counts; tokens, query strings and bodies never enter them.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import msgspec

from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op

CALLS_MAX = 200_000  # about 60 MB; older calls leave memory, never the counters nor the file


class CallKind(StrEnum):
    """What a call costs or does."""

    OAUTH = "oauth"
    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"
    SUBSCRIPTION = "subscription"
    UNKNOWN = "unknown"


class BookedCall(msgspec.Struct, frozen=True):
    """One call as it was answered; `number` counts from 1, `t` is epoch milliseconds."""

    number: int
    t: int
    user_id: str | None
    method: str
    route: str
    path: str
    kind: CallKind
    status: int
    fault: str | None = None
    ids: dict[str, str] = {}


class Books:
    """Appends calls and counts events."""

    def __init__(self, provider: str, clock: Clock, history: History, path: Path | None = None) -> None:
        self.provider = provider
        self._clock = clock
        self._history = history
        self._calls: deque[BookedCall] = deque(maxlen=CALLS_MAX)
        self._counters: Counter[str] = Counter()
        self._routes: Counter[str] = Counter()
        self._number = 0
        self._file: BinaryIO | None = None if path is None else path.open("ab", buffering=0)

    def open_call(self, method: str, route: str, user_id: str | None) -> int:
        """Notes that a call came in and returns its number."""
        self._number += 1
        self._history.record(
            Op.INVOKE, f"{self.provider}.call", call=self._number, method=method, route=route, user=user_id
        )
        return self._number

    def close_call(self, call: BookedCall) -> None:
        """Books an answered call; an answer that a fault broke counts as unknown to the caller."""
        self._calls.append(call)
        self._counters["calls"] += 1
        self._counters[f"{call.kind}_calls"] += 1
        self._routes[f"{call.method} {call.route}"] += 1
        if call.status == 429:
            self._counters["throttled"] += 1
        if call.fault is not None:
            self._counters["faults"] += 1
        outcome = Op.INFO if call.fault is not None else Op.OK if call.status < 400 else Op.FAIL
        self._history.record(
            outcome, f"{self.provider}.call", call=call.number, status=call.status, user=call.user_id, **call.ids
        )
        if self._file is not None:
            self._file.write(msgspec.json.encode(call) + b"\n")

    def count(self, event: str, **ids: str | int | bool | None) -> None:
        """Counts something that happened and tells the history."""
        self._counters[event] += 1
        self._history.record(Op.OK, f"{self.provider}.{event}", **ids)

    def now_ms(self) -> int:
        """Returns the time under which a call is booked."""
        return self._clock.now_ms()

    def counter(self, event: str) -> int:
        """Returns how often `event` was counted."""
        return self._counters[event]

    def show(self) -> dict[str, object]:
        """Returns counters, calls by route and the calls themselves, oldest first."""
        return {
            "provider": self.provider,
            "now_ms": self._clock.now_ms(),
            "counters": dict(self._counters),
            "calls_by_route": dict(self._routes),
            "calls": list(self._calls),
            "calls_forgotten": self._number - len(self._calls),
        }

    def close(self) -> None:
        """Closes the file of the books."""
        if self._file is not None:
            self._file.close()
            self._file = None
