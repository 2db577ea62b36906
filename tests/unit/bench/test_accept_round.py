"""P1 looks for every accepted job in the store's file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bench.accept_round import Target, require_stored
from bench.rounds import BenchFailedError


@pytest.fixture
def target(tmp_path: Path) -> Target:
    path = tmp_path / "jobs.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE jobs (job_id TEXT)")
        database.executemany("INSERT INTO jobs VALUES (?)", [("job_1",), ("job_2",)])
    database.close()
    return Target(0, "", "", "", path, "SELECT job_id FROM jobs")


def test_jobs_that_are_there_pass(target: Target) -> None:
    """Every accepted job is a row; more rows do not matter."""
    require_stored(target, ["job_2"])


@pytest.mark.parametrize("job_ids", [["job_1", "job_3"], ["job_1", "job_1"]])
def test_a_lost_or_shared_job_fails_the_row(target: Target, job_ids: list[str]) -> None:
    """A job that was answered but is not stored, or one job for two requests, gives no figure."""
    with pytest.raises(BenchFailedError, match="not in the store"):
        require_stored(target, job_ids)
