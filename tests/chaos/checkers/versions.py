"""I3: no lost update."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.history import HistoryEvent

# Rows that are changed by writers who read them first. Other rows are written whole, again and again.
VERSIONED_SORTS = ("JOB#", "CURSOR#", "NEED#", "SYNCCONFIG#", "CONN#")
VERSIONED_PARTITIONS = ("LINK#",)


def check_no_lost_update(events: Sequence[HistoryEvent]) -> list[str]:
    """The versions of each item strictly rise, in the order in which the store made them durable.

    Every writer writes the version after the one that it read, so an update that was lost is a version that comes
    twice. A kill between a commit and its line leaves a gap, which is allowed; a deletion begins a new life.
    """
    newest: dict[tuple[str, str], int] = {}
    wrong = []
    for event in events:
        if event.kind not in ("store.put", "store.delete") or not _is_versioned(event):
            continue
        key = (event.text("partition"), event.text("sort"))
        if event.kind == "store.delete":
            newest.pop(key, None)
            continue
        version = int(event.text("version"))
        if version <= newest.get(key, 0):
            wrong.append(f"{'/'.join(key)} went from version {newest[key]} to {version}")
        newest[key] = version
    return wrong


def _is_versioned(event: HistoryEvent) -> bool:
    return event.text("sort").startswith(VERSIONED_SORTS) or event.text("partition").startswith(VERSIONED_PARTITIONS)
