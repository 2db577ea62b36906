"""Writes the history that the invariant checkers read: one JSON line an event, a file for each process."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.runtime.settings import InstallationSettings


class NoHistory(History):
    """Records nothing."""

    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        """Does nothing."""


class FileHistory(History):
    """Appends whole lines with one write each, so that a kill leaves no half line behind another."""

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._clock = clock

    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        """Appends one line."""
        line = msgspec.json.encode({"t": self._clock.now_ms(), "op": op, "kind": kind, **ids})
        os.write(self._descriptor, line + b"\n")


def make_history(settings: InstallationSettings, clock: Clock, process: str) -> History:
    """Returns a recorder into `<SYNCWELL_HISTORY>/<process>-<pid>.jsonl`, or one that does nothing."""
    if settings.history is None:
        return NoHistory()
    return FileHistory(settings.history / f"{process}-{os.getpid()}.jsonl", clock)
