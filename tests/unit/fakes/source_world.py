"""A person whose account a is kept the same in b and c: events, timers and workers over one store."""

from __future__ import annotations

from datetime import timedelta

from syncwell.domain.connections import SyncConfig
from syncwell.domain.jobs import Job, JobId
from syncwell.domain.needs import Need
from syncwell.domain.records import ConnectionId, DataType
from syncwell.domain.resolution import Strategy
from syncwell.domain.source_events import SourceEvent
from syncwell.repositories.needs import Needs
from syncwell.usecases.accept_events import AcceptEvents
from syncwell.usecases.coalescing_rules import CoalescingRules
from syncwell.usecases.make_source_job import MakeSourceJob
from syncwell.usecases.run_sync import RunResult, RunSync
from tests.unit.fakes.sync_world import USER, SyncWorld

SOURCE = ConnectionId("conn-a")
RULES = CoalescingRules()


class SourceWorld(SyncWorld):
    """A world with a coalescer."""

    def __init__(self) -> None:
        super().__init__()
        self.needs = Needs(self.store)
        self.accept_events = AcceptEvents(self.needs, self.clock, window=RULES.window, history=self.history)
        self.make = MakeSourceJob(
            needs=self.needs,
            jobs=self.jobs,
            accounts=self.accounts_rows,
            queue=self.queue,
            clock=self.clock,
            history=self.history,
            id_key=b"k" * 32,
            rules=RULES,
        )

    async def wish(self, destination: str, *, is_enabled: bool = True) -> SyncConfig:
        """Stores the config from a to another account."""
        config = SyncConfig(
            USER,
            SOURCE,
            ConnectionId(f"conn-{destination}"),
            DataType.WORKOUT,
            Strategy.NEWEST_WINS,
            is_enabled=is_enabled,
            propagates_deletes=False,
            version=1,
        )
        await self.accounts_rows.save_config(config)
        return config

    async def event(self, record: str = "", *, identity: bytes = b"", is_deletion: bool = False) -> None:
        """Tells that something changed at a."""
        event = SourceEvent(
            USER,
            SOURCE,
            DataType.WORKOUT,
            self.clock.now_ms(),
            record_id=record,
            identity=identity,
            is_deletion=is_deletion,
        )
        await self.accept_events([event])

    async def need(self) -> Need:
        """Returns what is stored."""
        return await self.needs.load(USER, SOURCE)

    async def fire(self) -> Job | None:
        """Lets the timer look; returns the job that it made or found, if one is under way."""
        await self.make.run(USER, SOURCE)
        need = await self.need()
        return None if need.job is None else await self.job(need.job.job_id)

    async def job(self, job_id: JobId) -> Job:
        """Returns a job row."""
        found = await self.jobs.load(USER, job_id, now_ms=self.clock.now_ms())
        assert found is not None
        return found

    async def sync_source(self, worker: RunSync | None = None) -> RunResult | None:
        """Fires and runs the job, if one is due."""
        job = await self.fire()
        return None if job is None else await self.run(job, worker)

    def pass_window(self) -> None:
        """Moves time behind the end of the window."""
        self.clock.advance(RULES.window + timedelta(milliseconds=1))
