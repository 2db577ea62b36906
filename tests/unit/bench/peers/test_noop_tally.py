"""The tally of the peers' workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.peers.noop_tally import Tally


def test_writes_the_time_at_the_last_task_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written before the last task has run."""
    path = tmp_path / "tally"
    monkeypatch.setenv("BENCH_COUNT", "3")
    monkeypatch.setenv("BENCH_TALLY", str(path))
    tally = Tally()

    tally.note()
    tally.note()
    assert not path.exists()
    tally.note()

    assert float(path.read_text()) >= 0
