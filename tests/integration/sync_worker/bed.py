"""A real installation without its edge: store, credentials, worker and both sandboxes as processes."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from syncwell.adapters.grpc.channel import call_metadata, open_channel
from syncwell.api.common.v1 import common_pb2
from syncwell.api.sync.v1 import sync_pb2 as pb
from syncwell.api.sync.v1.sync_pb2_grpc import SyncServiceStub
from syncwell.cli.sandboxes import USER as PERSON
from syncwell.cli.sandboxes import Json, SandboxWorld
from syncwell.domain.records import UserId
from syncwell.ports.connector import Callback
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.files.fit_writer import write_fit
from syncwell.runtime.caller_identity import load_identity
from tests.contract.store_process import ROOT, StoreProcess
from tests.integration.credentials.service_process import CredentialsProcess

if TYPE_CHECKING:
    from syncwell.api.sync.v1.sync_pb2_grpc import SyncServiceAsyncStub

USER = UserId("usr_robin")
SECONDS_MAX = 40.0
LEASE_SECONDS = 3
LAG_SECONDS = 1
RECORDINGS = (
    "garmin-edge-820-bike.fit",
    "garmin-fenix-5-bike.fit",
    "garmin-fenix-5-walk.fit",
    "2015-10-13-08-43-15.fit",
    "12129115726_ACTIVITY.fit",
)


@dataclass
class WorkerProcess:
    """`python -m services.sync_worker`, started and ended by a test."""

    store: StoreProcess
    environment: dict[str, str]
    log: Path
    channel: grpc.aio.Channel | None = None
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def start(self, **extra: str) -> None:
        """Starts it and waits until it serves."""
        settings = self.store.settings
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python"),
            "SYNCWELL_DATA_DIR": str(settings.data_dir),
            "SYNCWELL_CLOCK_FILE": str(settings.clock_file),
            "SYNCWELL_LEASE_SECONDS": str(LEASE_SECONDS),
            **self.environment,
            **extra,
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.sync_worker", cwd=ROOT, env=environment, stderr=log
            )
        self.channel = open_channel(settings.address_of("sync_worker"))
        async with asyncio.timeout(SECONDS_MAX):
            while not await self._is_serving():
                assert self._process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)

    async def ended(self) -> int:
        """Waits for its end; returns the exit code, negative for a signal."""
        assert self._process is not None
        async with asyncio.timeout(SECONDS_MAX):
            code = await self._process.wait()
        if self.channel is not None:
            await self.channel.close()
            self.channel = None
        return code

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def end(self) -> None:
        """Leaves nothing running, whatever the test did."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        if self._process is not None:
            await self.ended()

    async def _is_serving(self) -> bool:
        assert self.channel is not None
        try:
            answer = await health_pb2_grpc.HealthStub(self.channel).Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@dataclass
class Bed:
    """Everything that runs, and a person with both accounts connected."""

    store: StoreProcess
    credentials: CredentialsProcess
    worker: WorkerProcess
    sandboxes: SandboxWorld
    garmin: str = ""
    strava: str = ""

    @property
    def stub(self) -> SyncServiceAsyncStub:
        """Returns a client of the worker that runs now."""
        assert self.worker.channel is not None
        return SyncServiceStub(self.worker.channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns what the gateway sends on behalf of the person."""
        return self.metadata_of(USER)

    def metadata_of(self, user_id: str) -> tuple[tuple[str, str], ...]:
        """Returns what the gateway sends on behalf of a user."""
        return tuple(call_metadata(user_id=user_id, identity=load_identity(self.store.settings.keys_dir, "gateway")))

    def spec(self, *, is_dry_run: bool = False) -> pb.JobSpec:
        """Returns a sync of workouts from Garmin to Strava."""
        return pb.JobSpec(
            source_connection_id=self.garmin,
            destination_connection_id=self.strava,
            data_type=common_pb2.DATA_TYPE_WORKOUT,
            mode="manual",
            priority="high",
            is_dry_run=is_dry_run,
        )

    async def submit(self, request_id: str, *, is_dry_run: bool = False) -> pb.Job:
        """Asks for a sync; returns the accepted job."""
        request = pb.SubmitJobRequest(request_id=request_id, spec=self.spec(is_dry_run=is_dry_run))
        answer = await self.stub.SubmitJob(request, metadata=self.metadata, timeout=10)
        return answer.job

    async def finished(self, job: pb.Job) -> pb.Job:
        """Follows a job to its end."""
        request = pb.WatchJobRequest(job_id=job.job_id)
        seen = job
        async for answer in self.stub.WatchJob(request, metadata=self.metadata, timeout=SECONDS_MAX):
            seen = answer.job
        return seen

    async def decisions(self, job: pb.Job) -> list[pb.Decision]:
        """Returns what became of each record."""
        request = pb.ListDecisionsRequest(job_id=job.job_id)
        answer = await self.stub.ListDecisions(request, metadata=self.metadata, timeout=10)
        return list(answer.decisions)

    async def seed(self, *names: str) -> None:
        """Puts recordings into the person's Garmin, moved to the last days."""
        now = datetime.now(tz=UTC).replace(microsecond=0)
        for name in names:
            content = await asyncio.to_thread((ROOT / "recordings" / name).read_bytes)
            workout = read_fit(content)[0]
            start = now - timedelta(hours=7, minutes=11) * (RECORDINGS.index(name) + 1)
            workout.start_time.FromDatetime(start)
            file = base64.b64encode(write_fit(workout)).decode()
            seed: dict[str, Json] = {
                "user_id": PERSON,
                "file": file,
                "uploaded_at": now.isoformat(),
                "activity": {"activityName": name},
            }
            await self.sandboxes.garmin.post("/records", [seed])

    async def connect(self, provider: str, http: aiohttp.ClientSession) -> str:
        """Walks the road of consent; returns the active connection."""
        redirect = f"http://127.0.0.1:8080/v1/connections/{provider}/callback"
        connections = self.credentials.connections()
        consent = await connections.begin(USER, provider, redirect_uri=redirect)
        async with http.get(consent.url, allow_redirects=False) as answer:
            target = answer.headers["Location"]
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        callback = Callback(state=query["state"], code=query.get("code", ""), error="", scope=query.get("scope", ""))
        done = await connections.complete(provider, callback)
        code = done.confirmation_code or ""
        return (await connections.confirm(USER, done.connection.connection_id, code)).connection_id


@asynccontextmanager
async def running(folder: Path, history: Path) -> AsyncIterator[Bed]:
    """Starts everything but the worker, connects both accounts, and leaves nothing running."""
    async with AsyncExitStack() as stack:
        store = StoreProcess(folder)
        await asyncio.to_thread(store.start)
        stack.callback(store.end)
        sandboxes = await stack.enter_async_context(
            SandboxWorld.running(folder, {"SYNCWELL_HISTORY": str(history)}, visibility_lag_seconds=LAG_SECONDS)
        )
        environment = {**sandboxes.environment, "SYNCWELL_HISTORY": str(history)}
        credentials = CredentialsProcess(store, environment, folder / "credentials.log")
        await credentials.start()
        stack.push_async_callback(credentials.end)
        worker = WorkerProcess(store, environment, folder / "worker.log")
        stack.push_async_callback(worker.end)
        bed = Bed(store, credentials, worker, sandboxes)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        bed.garmin, bed.strava = await bed.connect("garmin", http), await bed.connect("strava", http)
        yield bed
