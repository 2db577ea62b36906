"""A real `python -m services.credentials` beside a real store process, on one movable clock."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from syncwell.adapters.grpc.channel import open_channel
from syncwell.adapters.grpc.credentials_client import GrpcConnections, GrpcTokenSource
from syncwell.runtime.caller_identity import load_identity
from syncwell.usecases.token_cache import TokenCache
from tests.contract.store_process import ROOT, StoreProcess

SECONDS_MAX = 20.0


@dataclass
class CredentialsProcess:
    """Starts, kills and stops the service; `environment` is on top of the test's own."""

    store: StoreProcess
    environment: dict[str, str]
    log: Path
    channel: grpc.aio.Channel | None = None
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def start(self, **extra: str) -> None:
        """Starts it and waits until it says that it serves."""
        settings = self.store.settings
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python"),
            "SYNCWELL_DATA_DIR": str(settings.data_dir),
            "SYNCWELL_CLOCK_FILE": str(settings.clock_file),
            **self.environment,
            **extra,
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.credentials", cwd=ROOT, env=environment, stderr=log
            )
        self.channel = open_channel(settings.address_of("credentials"))
        async with asyncio.timeout(SECONDS_MAX):
            while not await self._is_serving():
                assert self._process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)

    async def ended(self) -> int:
        """Waits for its end and returns the exit code, negative for a signal."""
        assert self._process is not None
        async with asyncio.timeout(SECONDS_MAX):
            code = await self._process.wait()
        if self.channel is not None:
            await self.channel.close()
        return code

    async def stop(self) -> int:
        """SIGTERM."""
        self.terminate()
        return await self.ended()

    def terminate(self) -> None:
        """Asks it to stop, without waiting."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def end(self) -> None:
        """Leaves nothing running, whatever the test did."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self.ended()

    def connections(self) -> GrpcConnections:
        """Returns the gateway's client."""
        assert self.channel is not None
        return GrpcConnections(self.channel, load_identity(self.store.settings.keys_dir, "gateway"))

    def tokens(self) -> GrpcTokenSource:
        """Returns a worker's client with an empty cache."""
        assert self.channel is not None
        identity = load_identity(self.store.settings.keys_dir, "sync_worker")
        return GrpcTokenSource(self.channel, identity, TokenCache(self.store.clock))

    async def _is_serving(self) -> bool:
        assert self.channel is not None
        request = health_pb2.HealthCheckRequest(service="syncwell.api.credentials.v1.CredentialService")
        try:
            answer = await health_pb2_grpc.HealthStub(self.channel).Check(request, timeout=1.0)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
