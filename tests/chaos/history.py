"""Reads a recorded history: every process's file of one run, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One line: when, how far (`invoke`, `ok`, `fail`, `info`), what, and about which ids."""

    t: int
    op: str
    kind: str
    ids: Mapping[str, Value] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Returns an id as text; empty where the event has none."""
        value = self.ids.get(name)
        return "" if value is None else str(value)


def read_history(folder: Path) -> list[HistoryEvent]:
    """Returns all events of `folder`, ordered by time; a last line cut by a kill is left out."""
    events = [event for path in sorted(folder.glob("*.jsonl")) for event in _events_of(path.read_bytes())]
    return sorted(events, key=lambda event: event.t)


def of_kind(events: Iterable[HistoryEvent], kind: str, *ops: str) -> Iterator[HistoryEvent]:
    """Yields the events of one kind, of the given phases only where any are given."""
    return (event for event in events if event.kind == kind and (not ops or event.op in ops))


def _events_of(content: bytes) -> Iterator[HistoryEvent]:
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return
        fields = msgspec.json.decode(line, type=dict[str, Value])
        yield HistoryEvent(int(str(fields.pop("t"))), str(fields.pop("op")), str(fields.pop("kind")), fields)
