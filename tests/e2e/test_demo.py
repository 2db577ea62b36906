"""The demo, judged twice: by its own verdict and by the checkers on the history that it recorded."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any  # reason: the demo's result is JSON

import pytest

from syncwell.cli.demo.world import Truth, build_world
from syncwell.cli.installation import project_root
from tests.chaos.checkers import check_no_duplicate, check_no_lost_job
from tests.chaos.history import HistoryEvent, of_kind, read_history

DEMO_SECONDS_MAX = 150  # a loaded machine; the demo's own aim is 60


@dataclass(frozen=True)
class PlayedDemo:
    code: int
    result: dict[str, Any]
    history: list[HistoryEvent]


@pytest.fixture(scope="module")
def demo() -> Iterator[PlayedDemo]:
    root = project_root()
    process, out, err = asyncio.run(play(root))
    assert process is not None, err
    kept = Path(re.search(r"kept: (\S+)", err)[1])  # type: ignore[index]  # reason: a missing line fails the test
    try:
        yield PlayedDemo(process, json.loads(out.strip().splitlines()[-1]), read_history(kept / "history"))
    finally:
        shutil.rmtree(kept, ignore_errors=True)


async def play(root: Path) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        str(root / ".venv" / "bin" / "syncwell"),
        "demo",
        "--json",
        "--keep",
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "400"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEMO_SECONDS_MAX):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(DEMO_SECONDS_MAX + 20)
def test_every_record_arrives_once_through_a_kill(demo: PlayedDemo) -> None:
    """The demo ends well and its last line says so in numbers."""
    assert demo.code == 0
    assert demo.result["created"] + demo.result["merged"] >= 30
    assert demo.result["failed"] == 0
    for zero in ("duplicates_at_destination", "missing_at_destination", "refused_uploads", "rerun_writes"):
        assert demo.result[zero] == 0, zero
    assert demo.result["recovered_after_kill"] is True
    assert demo.result["provider_calls"] > demo.result["created"]


@pytest.mark.timeout(DEMO_SECONDS_MAX + 20)
def test_fifty_events_become_few_jobs_and_lose_nothing(demo: PlayedDemo) -> None:
    """All events are taken, one or two jobs bring the three workouts, and the last read began after the last event."""
    assert demo.result["webhook_events"] == 50
    assert demo.result["webhook_jobs"] in (1, 2)
    assert demo.result["webhook_synced"] == 3
    counted = [int(event.text("sequence")) for event in of_kind(demo.history, "event.accept")]
    read = [int(event.text("sequence")) for event in of_kind(demo.history, "source.read")]
    assert max(counted) == max(read) == 50


@pytest.mark.timeout(DEMO_SECONDS_MAX + 20)
def test_no_accepted_job_of_the_demo_is_lost(demo: PlayedDemo) -> None:
    """I1 holds on the demo's history, kill included."""
    assert len(list(of_kind(demo.history, "job.accept", "ok"))) >= 4
    assert check_no_lost_job(demo.history, faults_end_ms=demo.history[-1].t, bound_ms=60_000) == []


@pytest.mark.timeout(DEMO_SECONDS_MAX + 20)
def test_the_destination_of_the_demo_holds_each_record_once(demo: PlayedDemo) -> None:
    """I4 holds on the demo's history: exactly what was new to Strava was written, each once."""
    assert check_no_duplicate(demo.history, destination="strava", expected_source_ids=new_records(demo.history)) == []


@pytest.mark.timeout(DEMO_SECONDS_MAX + 20)
def test_the_worker_was_killed_between_upload_and_ledger(demo: PlayedDemo) -> None:
    """The history shows a record whose write began under one fence and was confirmed under a later one."""
    begun = {one.text("external_id"): int(one.text("fence")) for one in of_kind(demo.history, "record.write", "invoke")}
    confirmed = {one.text("external_id"): int(one.text("fence")) for one in of_kind(demo.history, "record.write", "ok")}

    assert any(confirmed[external_id] > fence for external_id, fence in begun.items() if external_id in confirmed)


def new_records(history: list[HistoryEvent]) -> set[str]:
    """Returns the Garmin ids of workouts that Strava did not hold: seeds are numbered in the order of the world."""
    world = build_world(project_root() / "recordings", now=datetime.now(tz=UTC))
    seeds = [event.text("record") for event in of_kind(history, "garmin.records_created", "ok")]
    workouts = [*world.first, *world.later]
    assert len(seeds) == len(workouts)
    return {seed for seed, workout in zip(seeds, workouts, strict=True) if workout.truth is Truth.NEW}
