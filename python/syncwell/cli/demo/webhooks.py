"""The demo's second road: Strava tells of new workouts, fifty times for three, and they come into a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncwell.cli.connect_files import connect_files
from syncwell.cli.demo.report import Report
from syncwell.cli.demo.rest import TERMINAL, Person
from syncwell.cli.demo.world import StravaHolding
from syncwell.cli.sandboxes import USER, SandboxWorld
from syncwell.cli.subscribe import subscribe_to
from syncwell.domain.errors import CommandFailedError, InvalidFileError
from syncwell.domain.records import Sport
from syncwell.providers.files.fit_reader import read_fit
from syncwell.runtime.provider_settings import ProviderFileSettings
from syncwell.runtime.settings import InstallationSettings

EVENTS = 50
NEWS_SECONDS_MAX = 30.0
POLL_SECONDS = 0.2
SAME_START = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class WebhookResult:
    """What came of the events. `synced` counts the new workouts that are in the folder exactly once."""

    events: int
    jobs: int
    synced: int
    wanted: int

    @property
    def is_good(self) -> bool:
        """True when few jobs brought every new workout once."""
        return self.events == EVENTS and 1 <= self.jobs <= 2 and self.synced == self.wanted


def news_of(now: datetime) -> tuple[StravaHolding, ...]:
    """Returns three workouts that come to Strava during the demo."""
    plan = (
        ("Lunch run", Sport.RUN, 5, 31, 5_200),
        ("Errand ride", Sport.RIDE, 8, 47, 15_300),
        ("Evening walk", Sport.WALK, 11, 23, 2_100),
    )
    return tuple(
        StravaHolding(
            what=name,
            start=(now - timedelta(hours=hours, minutes=13)).replace(microsecond=0),
            elapsed=timedelta(minutes=minutes, seconds=hours),
            distance_m=float(distance_m),
            sport=sport,
            name=name,
        )
        for name, sport, hours, minutes, distance_m in plan
    )


class WebhookAct:
    """Connects a folder, subscribes, and lets Strava tell."""

    def __init__(
        self,
        settings: InstallationSettings,
        gateway_url: str,
        person: Person,
        sandboxes: SandboxWorld,
        report: Report,
        *,
        window_seconds: float,
    ) -> None:
        self._settings = settings
        self._gateway_url = gateway_url
        self._person = person
        self._sandboxes = sandboxes
        self._report = report
        self._window_seconds = window_seconds

    async def play(self, strava: str, news: Sequence[StravaHolding]) -> WebhookResult:
        """Plays it; `strava` is the connection that tells."""
        connection, folder = await connect_files(self._settings, user=USER)
        await self._person.keep(strava, connection.connection_id)
        await subscribe_to(self._provider_settings(), "strava", self._gateway_url)
        await self._tell(news)
        jobs = await self._jobs_until_quiet()
        synced = await asyncio.to_thread(_count_in, folder, news)
        result = WebhookResult(await self._events_taken(), jobs, synced, len(news))
        self._report.say(f"{result.events} events became {jobs} jobs; {synced} of {len(news)} are in {folder.name}/")
        return result

    async def _tell(self, news: Sequence[StravaHolding]) -> None:
        """Adds the workouts and edits their titles until Strava has 50 events to tell; then they come at once."""
        strava = self._sandboxes.strava
        await strava.post("/settings", {"hold_events": True})
        added = await strava.post("/records", [each.strava_seed() for each in news])
        ids = added["ids"]
        if not isinstance(ids, list):
            raise CommandFailedError("the sandbox named no activities")
        for number in range(EVENTS - len(news)):
            title = f"{news[number % len(news)].name}, {number // len(news) + 2}. title"
            await strava.patch(f"/records/{ids[number % len(news)]}", {"name": title})
        await strava.post("/settings", {"hold_events": False})

    async def _jobs_until_quiet(self) -> int:
        """Waits until every event is told and no further job can come of them; returns how many there were."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + NEWS_SECONDS_MAX
        quiet_since, seen = loop.time(), (-1, 0)
        while loop.time() < deadline:
            jobs = [job for job in await self._person.jobs() if job["mode"] == "webhook"]
            state = (await self._events_taken(), sum(job["status"] in TERMINAL for job in jobs))
            if state != seen or len(jobs) != state[1] or state[0] < EVENTS:
                quiet_since, seen = loop.time(), state
            # A trailing job begins at the end of the window; a second look comes after the visibility lag.
            if jobs and loop.time() - quiet_since > self._window_seconds + 2.0:
                return len(jobs)
            await asyncio.sleep(POLL_SECONDS)
        raise CommandFailedError(f"the events were not worked off after {NEWS_SECONDS_MAX:.0f} s")

    async def _events_taken(self) -> int:
        counters = (await self._sandboxes.strava.books())["counters"]
        taken = counters.get("events_taken", 0) if isinstance(counters, dict) else 0
        return taken if isinstance(taken, int) else 0

    def _provider_settings(self) -> ProviderFileSettings:
        providers_file = Path(self._sandboxes.environment["SYNCWELL_PROVIDERS_FILE"])
        return ProviderFileSettings(data_dir=self._settings.data_dir, providers_file=providers_file, sandbox=True)


def _count_in(folder: Path, news: Sequence[StravaHolding]) -> int:
    """Counts the workouts of `news` that exactly one file of `folder` holds."""
    starts: list[datetime] = []
    for path in sorted(folder.glob("*.fit")):
        try:
            starts += [workout.start_time.ToDatetime(tzinfo=UTC) for workout in read_fit(path.read_bytes())]
        except InvalidFileError:
            continue  # not one of ours, then; what is missing shows in the count
    return sum(sum(abs(start - each.start) <= SAME_START for start in starts) == 1 for each in news)
