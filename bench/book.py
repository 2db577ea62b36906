"""`docs/benchmarks.json`: the rows of all runs, the newest of each figure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any  # reason: the file is JSON that an earlier run wrote

_NUMBER = re.compile(r"(\d+)")


def merge(
    old: Mapping[str, Any] | None, run: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, measured: Iterable[str]
) -> dict[str, Any]:
    """Returns the book after a run.

    Rows of the `measured` groups (P1, P14 …) are replaced as a whole, others are kept with their dates; rows of another
    machine are dropped, because a book speaks of one machine.
    """
    groups = set(measured)
    is_same_machine = old is not None and _identity(old["machine"]) == _identity(run["machine"])
    kept = [row for row in old["rows"] if group_of(row["id"]) not in groups] if old and is_same_machine else []
    return {**run, "rows": sorted([*kept, *rows], key=lambda row: order_of(row["id"]))}


def group_of(figure_id: str) -> str:
    """Returns the row of the table of goals that a figure belongs to."""
    return figure_id.partition(".")[0]


def order_of(figure_id: str) -> tuple[int, str]:
    """Returns what sorts P2 before P14."""
    match = _NUMBER.search(figure_id)
    return (int(match[1]) if match else 0, figure_id)


def load(path: Path) -> dict[str, Any] | None:
    """Returns the book, or None where there is none yet."""
    return dict(json.loads(path.read_text())) if path.exists() else None


def save(path: Path, book: Mapping[str, Any]) -> None:
    """Writes the book whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(book, indent=2, ensure_ascii=False) + "\n")
    draft.replace(path)


def _identity(machine: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(machine.get(name) for name in ("processor", "cores", "memory_gib"))
