"""Writes what a sandbox saw, one JSON line an event, for the checkers of invariants."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import msgspec

from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op

HISTORY_VARIABLE = "SYNCWELL_HISTORY"


class SilentHistory(History):
    """Records nothing."""

    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        """Forgets the event."""


class FileHistory(History):
    """Appends events to a file; each line is in the file before `record` returns."""

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._clock = clock

    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        """Appends one event with the sandbox's time in epoch milliseconds."""
        self._file.write(msgspec.json.encode({"t": self._clock.now_ms(), "op": op, "kind": kind, **ids}) + b"\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def history_of(directory: str | None, provider: str, clock: Clock) -> History:
    """Returns the history of `provider` in `directory`, or a silent one where none is named."""
    if not directory:
        return SilentHistory()
    return FileHistory(Path(directory) / f"sandbox-{provider}.jsonl", clock)
