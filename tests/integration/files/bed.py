"""The use cases of the worker in process, over real folders and both sandboxes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.jobs import Job, JobMode, JobRequest
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.ports.roles import TokenGrant
from syncwell.ports.tokens import AccessToken, TokenSource
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.registry import InstalledProviders
from syncwell.providers.session import MeteredSessions
from syncwell.providers.strava.settings import strava_settings
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.runtime.clock import SystemClock
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.people import Person
from syncwell.sandbox.sandbox import Sandbox
from syncwell.sandbox.server import SandboxHost, serving
from syncwell.sandbox.strava.sandbox import StravaSandbox
from syncwell.usecases.accept_job import AcceptJob
from syncwell.usecases.build_sync import SyncPorts, build_sync
from syncwell.usecases.connect_folder import ConnectFolder
from syncwell.usecases.sync_limits import SyncLimits
from tests.conformance.providers.worlds import ATHLETE, RefreshingTokens, SkippingClock
from tests.unit.fakes.item_store import DictItemStore
from tests.unit.fakes.sync_world import FakeCrashPoints, FixedSealer, ListEventLog, ListHistory, ListQueue

ANN, BOB = UserId("usr_ann"), UserId("usr_bob")
# Polls of an upload take no real time but count on the providers' clock: the lease outlives them all.
LIMITS = SyncLimits(lease=timedelta(hours=1))


class TokensByConnection(TokenSource):
    """One small credentials service for each connection."""

    def __init__(self) -> None:
        self.of: dict[ConnectionId, RefreshingTokens] = {}

    async def access_token(
        self, user_id: UserId, connection_id: ConnectionId, *, rejected_generation: int | None = None
    ) -> AccessToken:
        return await self.of[connection_id].access_token(
            user_id, connection_id, rejected_generation=rejected_generation
        )


@dataclass
class Bed:
    """An installation, and both sandboxes with one athlete, whose accounts are Ann's."""

    providers: InstalledProviders
    folders: AccountFolders
    garmin: GarminSandbox
    strava: StravaSandbox
    tokens: TokensByConnection = field(default_factory=TokensByConnection)
    items: DictItemStore = field(default_factory=DictItemStore)
    history: ListHistory = field(default_factory=ListHistory)
    random: Random = field(default_factory=lambda: Random(3))

    async def connect_folder(self, user_id: UserId = ANN) -> Connection:
        """Connects a new folder of a person, as the command line does."""
        connect = ConnectFolder(
            self.items,
            provider="files",
            make_folder=lambda account: self.folders.of(account).make(),
            clock=SystemClock(),
            random_bytes=self.random.randbytes,
            history=self.history,
        )
        return await connect.run(user_id)

    async def connect_sandbox(self, sandbox: Sandbox) -> Connection:
        """Connects Ann to her account of a sandbox."""
        provider = sandbox.provider
        connection_id = ConnectionId(f"conn_{provider}")
        now_ms = SystemClock().now_ms()
        connection = Connection(connection_id, ANN, provider, ATHLETE, "", ConnectionStatus.ACTIVE, 1, 1, now_ms)
        await Accounts(self.items).save_connection(connection)
        oauth = self.providers.get(provider).oauth
        assert oauth is not None
        grant = sandbox.grants.grant_directly(ATHLETE, sandbox.default_scopes())
        hour_ms = 3_600_000
        self.tokens.of[connection_id] = RefreshingTokens(
            oauth, TokenGrant(grant.access_token, grant.refresh_token, now_ms + hour_ms)
        )
        return connection

    async def sync(self, source: Connection, destination: Connection) -> Job:
        """Runs one sync; returns the job as it ended."""
        clock = SystemClock()
        jobs = Jobs(self.items)
        accept = AcceptJob(
            jobs=jobs,
            accounts=Accounts(self.items),
            registry=self.providers,
            queue=ListQueue(),
            clock=clock,
            history=self.history,
            id_key=b"k" * 32,
        )
        ends = source.connection_id, destination.connection_id
        request = JobRequest(source.user_id, *ends, DataType.WORKOUT, JobMode.MANUAL)
        accepted = await accept.accept(request, route="r", idempotency_key=self.random.randbytes(8).hex())
        ports = SyncPorts(
            items=self.items,
            registry=self.providers,
            sessions=MeteredSessions(self.providers, self.tokens),
            sealer=FixedSealer(),
            event_log=ListEventLog(),
            clock=clock,
            random=self.random,
            history=self.history,
            crash_points=FakeCrashPoints(),
        )
        await build_sync(ports, limits=LIMITS, owner="w").run(source.user_id, accepted.job.job_id)
        ended = await jobs.load(source.user_id, accepted.job.job_id, now_ms=clock.now_ms())
        assert ended is not None
        return ended

    async def reasons(self, job: Job) -> list[str]:
        """Returns why each record ended as it did."""
        page = await Decisions(self.items).load_page(job, now_ms=SystemClock().now_ms())
        return sorted(one.reason for one in page.decisions)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Bed]:
    """Serves both sandboxes and keeps the folders of accounts in `folder`."""
    movable = MovableClock()
    garmin, strava = GarminSandbox(clock=movable), StravaSandbox(clock=movable)
    async with AsyncExitStack() as stack:
        garmin_url = await stack.enter_async_context(serving(SandboxHost(lambda: garmin)))
        strava_url = await stack.enter_async_context(serving(SandboxHost(lambda: strava)))
        for sandbox in (garmin, strava):
            sandbox.people.put(Person(user_id=ATHLETE))
        settings = (
            garmin_settings(client_id="sandbox-client", client_secret="sandbox-secret").at_origin(garmin_url),
            strava_settings(client_id="sandbox-client", client_secret="sandbox-secret").at_origin(strava_url),
        )
        providers = InstalledProviders(settings, SkippingClock(movable), files_folder=folder)
        stack.push_async_callback(providers.aclose)
        yield Bed(providers, AccountFolders(folder), garmin, strava)
