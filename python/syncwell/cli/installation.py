"""The processes of one installation, as `syncwell up` and `syncwell demo` start them."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import syncwell
from syncwell.adapters.grpc.channel import open_channel
from syncwell.domain.errors import SetupError
from syncwell.runtime.parentage import SUPERVISOR_VARIABLE
from syncwell.runtime.settings import InstallationSettings
from syncwell.runtime.supervisor import ProcessSpec, python_module

GRPC_SERVICES = ("store", "credentials", "sync_worker", "coalescer", "scheduler")
GATEWAY_PORT = 8080
PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where the gateway listens."""

    host: str = "127.0.0.1"
    port: int = GATEWAY_PORT

    @property
    def url(self) -> str:
        """Returns the base URL for people and clients on this machine."""
        return f"http://{self.host}:{self.port}"


def project_root() -> Path:
    """Returns the folder that holds `services/`.

    Raises:
        SetupError: only the library is installed here, not the services.
    """
    root = Path(os.environ.get("SYNCWELL_ROOT", Path(syncwell.__file__).resolve().parents[2]))
    if not (root / "services" / "gateway" / "__main__.py").is_file():
        raise SetupError(f"no services in {root}; run from a checkout or set SYNCWELL_ROOT to one")
    return root


def service_specs(
    settings: InstallationSettings, gateway: GatewayAddress, extra: Mapping[str, str]
) -> list[ProcessSpec]:
    """Returns every service in the order of starting; `extra` are more environment variables for all of them."""
    environment = {
        **os.environ,
        **extra,
        "SYNCWELL_DATA_DIR": str(settings.data_dir),
        "SYNCWELL_GATEWAY_HOST": gateway.host,
        "SYNCWELL_GATEWAY_PORT": str(gateway.port),
        "PYTHONUNBUFFERED": "1",
        SUPERVISOR_VARIABLE: str(os.getpid()),
    }
    probes = {name: _grpc_probe(settings.address_of(name)) for name in GRPC_SERVICES}
    probes["gateway"] = http_probe(f"{gateway.url}/readyz")
    return [
        ProcessSpec(name, python_module(f"services.{name}"), environment, probe, stage=0 if name == "store" else 1)
        for name, probe in probes.items()
    ]


def free_port() -> int:
    """Returns a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def http_probe(url: str) -> Callable[[], Awaitable[bool]]:
    """Returns a question that is true once `url` answers 200."""

    async def is_ready() -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    return is_ready


def _grpc_probe(address: str) -> Callable[[], Awaitable[bool]]:
    async def is_ready() -> bool:
        return await is_serving(address)

    return is_ready


async def is_serving(address: str) -> bool:
    """Tells whether the gRPC server at `address` says that it serves."""
    channel = open_channel(address)
    try:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=PROBE_SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
    except grpc.aio.AioRpcError:
        return False
    finally:
        await channel.close()
