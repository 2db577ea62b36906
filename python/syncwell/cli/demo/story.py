"""The story that `syncwell demo` plays, and its end: a table, a verdict, an exit code."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any  # reason: jobs and books are JSON

import aiohttp

from syncwell.cli.demo.report import Report
from syncwell.cli.demo.rest import Person
from syncwell.cli.demo.verdict import Verdict, call_count, judge, write_count
from syncwell.cli.demo.webhooks import EVENTS, WebhookAct, WebhookResult, news_of
from syncwell.cli.demo.world import DemoWorkout, World, build_world
from syncwell.cli.installation import GatewayAddress, free_port, project_root, service_specs
from syncwell.cli.sandboxes import USER, SandboxWorld
from syncwell.cli.token import mint_development_token
from syncwell.domain.errors import CommandFailedError
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.supervisor import Supervisor, sole_owner

# The demo's settings, declared: shorter waits than production's, so that a person can watch.
LEASE_SECONDS = "5"
WINDOW_SECONDS = "3"
VISIBILITY_LAG_SECONDS = 2
GOOD_ENDS = frozenset({"SUCCEEDED", "PARTIALLY_FAILED"})
CRASH_AT = "sync_worker.after_upload:3"
SETTINGS = {
    "SYNCWELL_LEASE_SECONDS": LEASE_SECONDS,
    "SYNCWELL_WINDOW_SECONDS": WINDOW_SECONDS,
    "SYNCWELL_FIRST_WINDOW_DAYS": "2",
    "SYNCWELL_WRITES_AT_ONCE": "8",
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
        report.step("starting store, credentials, sync_worker, coalescer, scheduler, gateway")
        report.say(f"demo settings: lease {LEASE_SECONDS} s, window {WINDOW_SECONDS} s, the sandbox grants consents")
        specs = service_specs(settings, gateway, {**SETTINGS, **history, **sandboxes.environment})
        supervisor = Supervisor(specs, cwd=root, write_line=report.service_line)
        await supervisor.start()
        stack.push_async_callback(supervisor.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        person = Person(session, gateway.url, mint_development_token(settings, user=USER, hours=1.0))
        act = WebhookAct(settings, gateway.url, person, sandboxes, report, window_seconds=float(WINDOW_SECONDS))
        story = Story(person, supervisor, sandboxes, world, report, act=act)
        await story.play()
        strava, garmin = await sandboxes.strava.books(), await sandboxes.garmin.books()
    verdict = judge([*world.first, *world.later], [*world.holdings, *story.news], strava, garmin)
    report.finish(_result(story, verdict, call_count(strava, garmin), time.monotonic() - started), verdict)
    return 0 if verdict.is_good and story.is_good else 1


class Story:
    """The syncs in their order. `counts`, `was_killed` and `rerun_writes` tell what happened."""

    def __init__(
        self,
        person: Person,
        supervisor: Supervisor,
        sandboxes: SandboxWorld,
        world: World,
        report: Report,
        *,
        act: WebhookAct,
    ) -> None:
        self._person = person
        self._supervisor = supervisor
        self._sandboxes = sandboxes
        self._world = world
        self._report = report
        self._act = act
        self._pair = ("", "")
        self.news = news_of(datetime.now(tz=UTC))
        self.webhooks = WebhookResult(0, 0, 0, len(self.news))
        self.counts: Counter[str] = Counter()
        self.was_killed = False
        self.rerun_writes = 0

    @property
    def is_good(self) -> bool:
        """True when the kill happened, nothing failed, the news came, and the last sync wrote nothing."""
        has_failed = self.counts["failed"] > 0 or not self.webhooks.is_good
        return self.was_killed and self.rerun_writes == 0 and not has_failed

    async def play(self) -> None:
        """Fills the accounts, connects them, and syncs four times."""
        await self._fill()
        self._report.step("connecting both accounts through their consent pages")
        self._pair = (await self._person.connect("garmin"), await self._person.connect("strava"))

        real, all_first = self._world.real_count, len(self._world.first)
        self._report.step(
            f"dry run over {all_first} workouts: {real} real recordings, {all_first - real} cut from them"
        )
        plan = await self._person.sync(*self._pair, is_dry_run=True)
        self._report.plan(await self._person.decisions(plan["jobId"]))

        self._report.step("first sync")
        await self._tell(await self._person.sync(*self._pair))

        more = len(self._world.later)
        self._report.step(f"second sync: {more} more workouts, Strava refuses no duplicates any more, and a kill -9")
        await self._sync_through_a_kill()

        self._report.step(f"Strava tells of {len(self.news)} new workouts, {EVENTS} times; they shall come to a folder")
        self.webhooks = await self._act.play(self._pair[1], self.news)

        self._report.step("last full sync: it must write nothing")
        before = write_count(await self._sandboxes.strava.books())
        await self._person.sync(*self._pair)
        self.rerun_writes = write_count(await self._sandboxes.strava.books()) - before

    async def _fill(self) -> None:
        await self._upload(self._world.first)
        await self._sandboxes.strava.post("/settings", STRAVA_SETTINGS)
        holdings = self._world.holdings
        held = await self._sandboxes.strava.post("/records", [holding.strava_seed() for holding in holdings])
        self._report.name(held["ids"], [holding.what for holding in holdings])

    async def _upload(self, workouts: Sequence[DemoWorkout]) -> None:
        uploaded = await self._sandboxes.garmin.post("/records", [workout.garmin_seed() for workout in workouts])
        self._report.name(uploaded["ids"], [workout.label for workout in workouts])

    async def _sync_through_a_kill(self) -> None:
        await self._sandboxes.strava.post("/settings", {"refuse_duplicates": False})
        await self._upload(self._world.later)
        await self._supervisor.restart("sync_worker", once={"SYNCWELL_CRASH_AT": CRASH_AT})
        armed = self._supervisor.pid_of("sync_worker")
        job_id = await self._person.submit(*self._pair)
        self.was_killed = await self._supervisor.wait_for_end(armed) == -signal.SIGKILL
        self._report.say(f"process {armed} was killed after its third upload, before the ledger knew of it")
        await self._tell(await self._person.wait(job_id))

    async def _tell(self, job: Mapping[str, Any]) -> None:
        if job["status"] not in GOOD_ENDS:
            reason = job.get("failureReason") or job["status"]
            raise CommandFailedError(f"{job['jobId']} ended as {job['status']} because {reason}")
        self.counts.update({name: int(count) for name, count in job["counts"].items()})
        self._report.table(await self._person.decisions(job["jobId"]))


def _result(story: Story, verdict: Verdict, provider_calls: int, seconds: float) -> dict[str, object]:
    names = ("created", "updated", "merged", "skipped", "conflicted", "failed")
    return {
        **{name: story.counts[name] for name in names},
        "duplicates_at_destination": len(verdict.duplicates) + len(verdict.strangers),
        "missing_at_destination": len(verdict.missing),
        "refused_uploads": verdict.refused_uploads,
        "throttled_calls": verdict.throttled_calls,
        "provider_calls": provider_calls,
        "webhook_events": story.webhooks.events,
        "webhook_jobs": story.webhooks.jobs,
        "webhook_synced": story.webhooks.synced,
        "rerun_writes": story.rerun_writes,
        "recovered_after_kill": story.was_killed and not verdict.duplicates and not verdict.missing,
        "seconds": round(seconds, 1),
    }
