"""The book of all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import book

MACHINE = {"processor": "x", "cores": 2, "memory_gib": 4.0, "sync_p50_ms": 0.2}
RUN = {"machine": {**MACHINE, "sync_p50_ms": 0.3}, "versions": {}, "date": "new", "command": "make bench"}


def _old(*ids: str, machine: dict[str, Any] | None = None) -> dict[str, Any]:
    rows = [{"id": one, "date": "old"} for one in ids]
    return {"machine": machine or MACHINE, "versions": {}, "date": "old", "command": "", "rows": rows}


def _dates(merged: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["date"] for row in merged["rows"]}


def test_rows_not_measured_keep_their_date() -> None:
    """A run of one row leaves the others as they were, and its own replace the old ones."""
    merged = book.merge(_old("P1", "P14.read"), RUN, [{"id": "P14.read", "date": "new"}], measured=["P14"])

    assert _dates(merged) == {"P1": "old", "P14.read": "new"}
    assert merged["date"] == "new"


def test_a_figure_that_a_row_no_longer_gives_goes() -> None:
    """A row is replaced as a whole: no figure stays that the row would not give again."""
    merged = book.merge(_old("P14.read", "P14.gone"), RUN, [{"id": "P14.read", "date": "new"}], measured=["P14"])

    assert _dates(merged) == {"P14.read": "new"}


def test_rows_of_another_machine_are_dropped() -> None:
    """One book speaks of one machine."""
    old = _old("P1", machine={**MACHINE, "cores": 64})

    assert _dates(book.merge(old, RUN, [{"id": "P2", "date": "new"}], measured=["P2"])) == {"P2": "new"}


def test_first_run_begins_the_book() -> None:
    """Without an old book the rows of the run are all, in the order of the table of goals."""
    rows = [{"id": one, "date": "new"} for one in ("P14.write", "P2", "P14.read")]

    merged = book.merge(None, RUN, rows, measured=["P2", "P14"])

    assert [row["id"] for row in merged["rows"]] == ["P2", "P14.read", "P14.write"]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """The book survives its file; there is none before the first run."""
    path = tmp_path / "docs" / "benchmarks.json"
    assert book.load(path) is None

    book.save(path, _old("P1"))

    assert book.load(path) == _old("P1")
    assert [one.name for one in path.parent.iterdir()] == ["benchmarks.json"]
