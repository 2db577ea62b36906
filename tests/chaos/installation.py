"""A whole installation of real processes for crash runs: armed by files, judged by its history and by the sandboxes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any  # reason: the books are JSON of the sandboxes

import aiohttp

from syncwell.cli.demo.rest import Person
from syncwell.cli.installation import GatewayAddress, free_port, project_root, service_specs
from syncwell.cli.sandboxes import USER, Json, SandboxWorld
from syncwell.cli.token import mint_development_token
from syncwell.domain.errors import SetupError
from syncwell.runtime.clock import OffsetClock
from syncwell.runtime.history import FileHistory
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.supervisor import ProcessSpec, Supervisor, sole_owner
from tests.chaos.client import RetryingClient
from tests.chaos.history import HistoryEvent, read_history
from tests.chaos.workouts import now_of, small_workouts

LEASE = timedelta(seconds=10)  # of virtual time: a slow machine must not lose it by itself
LAG_SECONDS = 1
HINT_GRACE = timedelta(seconds=31)  # what the scheduler waits before it calls a hint lost, and a little
HISTORY_VARIABLE = "SYNCWELL_HISTORY"
SETTINGS = {
    "SYNCWELL_LEASE_SECONDS": str(int(LEASE.total_seconds())),
    "SYNCWELL_FIRST_WINDOW_DAYS": "2",
    "SYNCWELL_LOG_LEVEL": "WARNING",
}
# No limit of a provider shall slow a crash run down, and nothing but the ledger shall keep records single.
STRAVA_SETTINGS: dict[str, Json] = {
    "quarter_limit": 100_000,
    "day_limit": 1_000_000,
    "quarter_read_limit": 100_000,
    "day_read_limit": 1_000_000,
    "visibility_lag_seconds": LAG_SECONDS,
    "processing_polls": 0,
    "refuse_duplicates": False,
}


@dataclass
class Installation:
    """Everything that runs, and one person with a Garmin and a Strava account."""

    settings: InstallationSettings
    supervisor: Supervisor
    sandboxes: SandboxWorld
    client: RetryingClient
    clock: OffsetClock
    history_folder: Path
    environments: dict[str, dict[str, str]]
    lines: list[str]
    garmin: str = ""
    strava: str = ""
    seeded: dict[str, int] = field(default_factory=dict)
    _workouts: Iterator[dict[str, Json]] | None = None

    async def seed(self, count: int = 2) -> list[str]:
        """Lets the person's watch upload new workouts now; returns their ids at Garmin."""
        if self._workouts is None:
            self._workouts = small_workouts(now_of(self.clock.now_ms()))
        uploaded_ms = self.clock.now_ms()
        uploaded_at = now_of(uploaded_ms).isoformat()
        seeds = [{**next(self._workouts), "uploaded_at": uploaded_at} for _ in range(count)]
        answer: Any = await self.sandboxes.garmin.post("/records", seeds)
        ids = [str(each) for each in answer["ids"]]
        self.seeded.update(dict.fromkeys(ids, uploaded_ms))
        return ids

    def arm(self, service: str, point: str, visit: int = 1, *, action: str = "") -> int:
        """Arms a point in a running service; returns the process that will meet it."""
        draft = self._switch_of(service).with_suffix(".new")
        draft.write_text(f"{point}:{visit} {action}".strip())
        draft.replace(self._switch_of(service))
        return self.supervisor.pid_of(service)

    def disarm(self, service: str) -> bool:
        """Takes an order back; returns whether it stood."""
        is_armed = self._switch_of(service).exists()
        self._switch_of(service).unlink(missing_ok=True)
        return is_armed

    async def died(self, service: str, pid: int) -> None:
        """Waits for the death of an armed process by SIGKILL, and starts its successor at once."""
        assert await self.supervisor.wait_for_end(pid) == -signal.SIGKILL, self.lines[-20:]
        await self.supervisor.restart(service, once={})

    async def advance(self, duration: timedelta) -> None:
        """Moves the time of every process, the sandboxes' first: nobody of ours is ever ahead of them."""
        seconds = duration.total_seconds()
        for sandbox in (self.sandboxes.garmin, self.sandboxes.strava):
            await sandbox.post("/clock", {"advance_seconds": seconds})
        self.clock.advance(duration)

    async def wait_out_lease(self) -> None:
        """Lets a dead worker's lease end, and whatever it wrote become visible."""
        await self.advance(LEASE + timedelta(seconds=LAG_SECONDS))

    async def let_time_pass(self) -> None:
        """A second, for everybody who waits for time."""
        await self.advance(timedelta(seconds=1))

    async def submit(self, key: str = "") -> str:
        """Asks for a sync of the pair; returns the job's id."""
        return await self.client.submit(self.garmin, self.strava, key=key)

    async def finish(self, job_id: str) -> dict[str, Any]:
        """Lets time pass while the job waits, until it has ended; returns it."""
        return await self.client.finished(job_id)

    async def external_ids(self) -> list[str]:
        """Returns the external ids of what Strava holds by our uploads."""
        books: dict[str, Any] = await self.sandboxes.strava.books()
        live = [one for one in books["records"].get(USER, []) if one["deleted_ms"] is None and one["origin"] != "seed"]
        return [str(one["external_id"]) for one in live]

    async def refused_uploads(self) -> int:
        """Returns how many uploads Strava refused; a duplicate that it had to refuse is a duplicate of ours."""
        books: dict[str, Any] = await self.sandboxes.strava.books()
        return int(books["counters"].get("uploads_refused", 0))

    def user_id(self) -> str:
        """Returns the person's id inside SyncWell, as the store's rows tell it."""
        rows = [one for one in self.events() if one.kind == "store.put" and one.text("sort") == f"CONN#{self.garmin}"]
        return rows[0].text("partition").removeprefix("USER#")

    def events(self) -> list[HistoryEvent]:
        """Returns the history so far."""
        return read_history(self.history_folder)

    def _switch_of(self, service: str) -> Path:
        return self.settings.data_dir / f"crash-{service}"


@asynccontextmanager
async def running(folder: Path, **extra: str) -> AsyncIterator[Installation]:
    """Starts sandboxes and services, connects both accounts, and leaves nothing running."""
    settings = InstallationSettings(data_dir=folder / "data", clock_file=folder / "clock")
    OffsetClock.create(folder / "clock")
    clock, history = OffsetClock(folder / "clock"), folder / "history"
    prepare_directories(settings)
    lines: list[str] = []
    async with AsyncExitStack() as stack:
        stack.enter_context(sole_owner(settings.run_dir))
        recorded = {HISTORY_VARIABLE: str(history)}
        sandboxes = await stack.enter_async_context(
            SandboxWorld.running(settings.data_dir, recorded, visibility_lag_seconds=LAG_SECONDS)
        )
        await sandboxes.strava.post("/settings", STRAVA_SETTINGS)
        await sandboxes.garmin.post("/settings", {"calls_per_minute": 100_000})
        gateway = GatewayAddress(port=free_port())
        environment = {
            **SETTINGS,
            **recorded,
            **sandboxes.environment,
            "SYNCWELL_CLOCK_FILE": str(folder / "clock"),
            **extra,
        }
        specs = [_armable(spec, settings) for spec in service_specs(settings, gateway, environment)]
        supervisor = Supervisor(
            specs, cwd=project_root(), write_line=lambda name, line: lines.append(f"{name}: {line}")
        )
        try:
            await supervisor.start()
        except SetupError as exc:
            raise AssertionError("\n".join(lines[-20:])) from exc
        stack.push_async_callback(supervisor.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=12)))
        token = mint_development_token(settings, user=USER, hours=24.0)
        person = Person(http, gateway.url, token)
        installation = Installation(
            settings,
            supervisor,
            sandboxes,
            RetryingClient(http, gateway.url, token, FileHistory(history / "client.jsonl", clock), _nothing),
            clock,
            history,
            {spec.name: spec.environment for spec in specs},
            lines,
        )
        installation.client.on_wait = installation.let_time_pass
        installation.garmin, installation.strava = await person.connect("garmin"), await person.connect("strava")
        try:
            yield installation
        finally:
            _wake_all(supervisor)


def _armable(spec: ProcessSpec, settings: InstallationSettings) -> ProcessSpec:
    switch = settings.data_dir / f"crash-{spec.name}"
    return replace(spec, environment={**spec.environment, "SYNCWELL_CRASH_AT": f"@{switch}"})


async def _nothing() -> None:
    return None


def _wake_all(supervisor: Supervisor) -> None:
    """A process that a test stopped and forgot could not end."""
    for name in ("store", "credentials", "sync_worker", "coalescer", "scheduler", "gateway"):
        try:
            os.kill(supervisor.pid_of(name), signal.SIGCONT)
        except (ProcessLookupError, KeyError):
            continue
