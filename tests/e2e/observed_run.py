"""A whole installation that syncs records full of markers, and everything that its processes left behind."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any  # reason: log lines, spans and jobs are JSON

import aiohttp

from syncwell.api.record.v1.record_pb2 import SPORT_RUN, CanonicalWorkout, Point, PointSegment
from syncwell.cli.demo.rest import Person
from syncwell.cli.installation import GatewayAddress, free_port, project_root, service_specs
from syncwell.cli.sandboxes import USER, SandboxWorld
from syncwell.cli.token import mint_development_token
from syncwell.providers.files.fit_writer import write_fit
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.supervisor import Supervisor

TITLE = "Zwielichtrunde-quartz-5519"
NOTE = "private-remark-obsidian-8842"
OTHER_TITLE = "Heimweg-basalt-3027"
EMAIL = "robin.marker.7731@mail.example"
LATITUDE, LONGITUDE = 47.3172319, 8.1942717
HEART_RATES = (101, 67, 113, 71, 109, 73, 103, 79)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SETTINGS = {
    "SYNCWELL_LOG_LEVEL": "DEBUG",
    "SYNCWELL_LEASE_SECONDS": "5",
    "SYNCWELL_FIRST_WINDOW_DAYS": "5",
}


@dataclass
class ObservedRun:
    """What is left of a run: jobs as REST told them, lines by service, spans, metrics, and every file's bytes."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    metrics: str = ""
    remote_metrics_status: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    strava_knows_token: bool = False
    person_token: str = ""

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for service, line in self.lines if service != "up"]


def marked_workout(start: datetime) -> CanonicalWorkout:
    points = [
        Point(
            offset_ms=second * 1000,
            latitude_e7=round(LATITUDE * 1e7),
            longitude_e7=round(LONGITUDE * 1e7),
            distance_cm=second * 250,
            heart_rate_bpm=HEART_RATES[second % len(HEART_RATES)],
        )
        for second in range(600)
    ]
    workout = CanonicalWorkout(
        sport=SPORT_RUN,
        elapsed_ms=599_000,
        distance_m=1497.5,
        title=TITLE,
        notes=NOTE,
        segments=[PointSegment(points=points)],
    )
    workout.start_time.FromDatetime(start)
    return workout


async def observe(folder: Path, *, recorded_token: str) -> ObservedRun:
    """Runs everything, syncs twice with a refresh in between, and gathers what is there before and after the stop."""
    run = ObservedRun()
    settings = InstallationSettings(data_dir=folder / "data")
    gateway = GatewayAddress(port=free_port())
    for name in ("tmp", "sandbox"):
        (folder / name).mkdir()
    extra = {
        **SETTINGS,
        "SYNCWELL_TRACE_FILE": str(folder / "traces" / "spans.jsonl"),
        "SYNCWELL_HISTORY": str(folder / "history"),
        "TMPDIR": str(folder / "tmp"),
    }
    prepare_directories(settings)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(SandboxWorld.running(settings.data_dir, {}, visibility_lag_seconds=1))
        specs = service_specs(settings, gateway, {**extra, **world.environment})
        supervisor = Supervisor(specs, cwd=project_root(), write_line=lambda name, line: run.lines.append((name, line)))
        await supervisor.start()
        stack.push_async_callback(supervisor.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        await _fill(world)
        run.person_token = mint_development_token(settings, user=EMAIL, hours=1.0)
        person = Person(session, gateway.url, run.person_token)
        pair = await person.connect("garmin"), await person.connect("strava")
        session.headers["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"
        run.jobs.append(await person.sync(*pair))
        del session.headers["traceparent"]
        headers = {"Authorization": f"Bearer {recorded_token}"}
        async with session.get(f"{world.strava.url}/api/v3/athlete", headers=headers) as answer:
            run.strava_knows_token = answer.status == 200
        for control in (world.garmin, world.strava):
            await control.post("/grants/expire", {"user_id": USER})
        run.jobs.append(await person.sync(*pair))
        await asyncio.sleep(1.2)  # the spans' own period
        async with session.get(f"{gateway.url}/metrics") as answer:
            run.metrics = await answer.text()
        async with session.get(f"{gateway.url}/metrics", headers={"X-Forwarded-For": "192.0.2.7"}) as answer:
            run.remote_metrics_status = answer.status
        run.files.update(_read(folder, "live"))  # with the write-ahead log and the sockets' neighbours
    run.files.update(_read(folder, "stopped"))
    spans = (folder / "traces" / "spans.jsonl").read_text("utf-8").splitlines()
    run.spans = [json.loads(line) for line in spans]
    return run


async def _fill(world: SandboxWorld) -> None:
    start = datetime.now(tz=UTC).replace(microsecond=0) - timedelta(days=2)
    content = base64.b64encode(write_fit(marked_workout(start))).decode()
    summary = {"activityName": TITLE, "activityDescription": NOTE}
    await world.garmin.post("/records", [{"user_id": USER, "file": content, "activity": dict(summary)}])
    await world.strava.post(
        "/records",
        [
            {
                "user_id": USER,
                "start": (start - timedelta(hours=30)).isoformat(),
                "elapsed_seconds": 1800,
                "distance_m": 5000.0,
                "sport_type": "Run",
                "name": OTHER_TITLE,
            }
        ],
    )


def _read(folder: Path, moment: str) -> dict[str, bytes]:
    """Returns every regular file below `folder`, by moment and path."""
    return {
        f"{moment}:{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
