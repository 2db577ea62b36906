"""The story that `syncwell demo` plays, and its end: a table, a verdict, an exit code."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any  # reason: jobs and books are JSON

import aiohttp

from syncwell.cli.demo.report import Report
from syncwell.cli.demo.rest import Person
from syncwell.cli.demo.verdict import Verdict, call_count, judge, write_count
from syncwell.cli.demo.world import DemoWorkout, World, build_world
from syncwell.cli.installation import GatewayAddress, free_port, project_root, service_specs
from syncwell.cli.sandboxes import SandboxWorld
from syncwell.cli.token import mint_development_token
from syncwell.runtime.clock import SystemClock
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.supervisor import Supervisor, sole_owner

# The demo's settings, declared: shorter waits than production's, so that a person can watch.
LEASE_SECONDS = "5"
WINDOW_SECONDS = "3"
VISIBILITY_LAG_SECONDS = 2
CRASH_AT = "sync_worker.after_upload:3"
SETTINGS = {
    "SYNCWELL_LEASE_SECONDS": LEASE_SECONDS,
    "SYNCWELL_WINDOW_SECONDS": WINDOW_SECONDS,
    "SYNCWELL_LOG_LEVEL": "WARNING",
}
# The limits of the application whose answers are recorded in the repository's fixtures.
STRAVA_SETTINGS = {
    "quarter_limit": 600,
    "day_limit": 30_000,
    "quarter_read_limit": 300,
    "day_read_limit": 15_000,
    "visibility_lag_seconds": 1,
    "refuse_duplicates": True,
}


@dataclass(slots=True)
class Course:
    """What the story has found out so far."""

    source: str = ""
    destination: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    was_killed: bool = False
    rerun_writes: int = 0


async def run_demo(*, is_json: bool, is_kept: bool) -> int:
    """Plays the demo; returns 0 if every record is at the destination exactly once, else 1.

    Raises:
        SyncWellError: a step could not be played at all.
    """
    started = time.monotonic()
    report = Report(is_json=is_json)
    data_dir = Path(tempfile.mkdtemp(prefix="syncwell-demo-"))
    try:
        return await _play(data_dir, report, started)
    finally:
        if is_kept:
            report.say(f"kept: {data_dir}")
        else:
            await asyncio.to_thread(shutil.rmtree, data_dir, ignore_errors=True)


async def _play(data_dir: Path, report: Report, started: float) -> int:
    root = project_root()
    settings = InstallationSettings(data_dir=data_dir / "data")
    gateway = GatewayAddress(port=free_port())
    history = {"SYNCWELL_HISTORY": str(data_dir / "history")}
    prepare_directories(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(sole_owner(settings.run_dir))
        report.step("reading the recordings")
        world = await asyncio.to_thread(build_world, root / "recordings", now=datetime.now(tz=UTC))
        report.step("starting a Garmin and a Strava of the sandbox")
        sandboxes = await stack.enter_async_context(
            SandboxWorld.running(settings.data_dir, history, visibility_lag_seconds=VISIBILITY_LAG_SECONDS)
        )
        await _fill(sandboxes, world)
        report.step("starting store, credentials, sync_worker, coalescer, scheduler, gateway")
        specs = service_specs(settings, gateway, {**SETTINGS, **history, **sandboxes.environment})
        supervisor = Supervisor(specs, cwd=root, write_line=report.service_line)
        await supervisor.start()
        stack.push_async_callback(supervisor.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        token = mint_development_token(settings, "robin", clock=SystemClock(), lifetime=timedelta(hours=1))
        course = Course()
        await _sync_all(Person(session, gateway.url, token), supervisor, sandboxes, world, course, report)
        strava, garmin = await sandboxes.strava.books(), await sandboxes.garmin.books()
    verdict = judge([*world.first, *world.later], world.holdings, strava, garmin)
    result = _result(course, verdict, call_count(strava, garmin), time.monotonic() - started)
    report.finish(result, verdict)
    return (
        0 if verdict.is_good and course.was_killed and course.rerun_writes == 0 and not course.counts["failed"] else 1
    )


async def _fill(sandboxes: SandboxWorld, world: World) -> None:
    await sandboxes.garmin.post("/records", [workout.garmin_seed() for workout in world.first])
    await sandboxes.strava.post("/settings", STRAVA_SETTINGS)
    await sandboxes.strava.post("/records", [holding.strava_seed() for holding in world.holdings])


async def _sync_all(
    person: Person, supervisor: Supervisor, sandboxes: SandboxWorld, world: World, course: Course, report: Report
) -> None:
    report.step("connecting both accounts through their consent pages")
    course.source = await person.connect("garmin")
    course.destination = await person.connect("strava")

    report.step(f"dry run over {len(world.first)} workouts ({world.real_count} real recordings)")
    plan = await person.sync(course.source, course.destination, is_dry_run=True)
    report.plan(await person.decisions(plan["jobId"]))

    report.step("first sync")
    await _run(person, course, report, world.first)

    report.step(f"second sync: {len(world.later)} more workouts, Strava no longer refuses duplicates, and a kill -9")
    await _sync_through_a_kill(person, supervisor, sandboxes, world, course, report)

    report.step("last full sync: it must write nothing")
    before = write_count(await sandboxes.strava.books())
    await person.sync(course.source, course.destination)
    course.rerun_writes = write_count(await sandboxes.strava.books()) - before


async def _run(person: Person, course: Course, report: Report, workouts: tuple[DemoWorkout, ...]) -> None:
    job = await person.sync(course.source, course.destination)
    _add(course.counts, job["counts"])
    report.table(await person.decisions(job["jobId"]), {workout.label for workout in workouts})


async def _sync_through_a_kill(
    person: Person, supervisor: Supervisor, sandboxes: SandboxWorld, world: World, course: Course, report: Report
) -> None:
    await sandboxes.strava.post("/settings", {"refuse_duplicates": False})
    await sandboxes.garmin.post("/records", [workout.garmin_seed() for workout in world.later])
    await supervisor.restart("sync_worker", once={"SYNCWELL_CRASH_AT": CRASH_AT})
    armed = supervisor.pid_of("sync_worker")
    job_id = await person.submit(course.source, course.destination)
    code = await supervisor.wait_for_end(armed)
    course.was_killed = code == -9
    report.say(f"the worker (process {armed}) was killed with -9 after its third upload, before the ledger knew")
    job = await person.wait(job_id)
    _add(course.counts, job["counts"])
    report.table(await person.decisions(job_id), {workout.label for workout in world.later})


def _add(total: dict[str, int], counts: Mapping[str, Any]) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + int(count)


def _result(course: Course, verdict: Verdict, provider_calls: int, seconds: float) -> dict[str, object]:
    names = ("created", "updated", "merged", "skipped", "conflicted", "failed")
    return {
        **{name: course.counts.get(name, 0) for name in names},
        "duplicates_at_destination": len(verdict.duplicates) + len(verdict.strangers),
        "missing_at_destination": len(verdict.missing),
        "refused_uploads": verdict.refused_uploads,
        "throttled_calls": verdict.throttled_calls,
        "provider_calls": provider_calls,
        "rerun_writes": course.rerun_writes,
        "recovered_after_kill": course.was_killed and not verdict.duplicates and not verdict.missing,
        "seconds": round(seconds, 1),
    }
