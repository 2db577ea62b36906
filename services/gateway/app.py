"""The wiring of the gateway process."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.gateway.assembly import Collaborators, assemble
from services.gateway.issuers import make_issuers
from services.gateway.metrics_routes import Collect, collector_of
from services.gateway.server import bind, serving
from services.gateway.settings import Settings
from services.gateway.system_routes import CHECK_SECONDS_MAX, Check
from syncwell.adapters.grpc.channel import open_channel
from syncwell.adapters.grpc.coalescer_client import GrpcSourceEvents
from syncwell.adapters.grpc.credentials_client import GrpcConnections
from syncwell.adapters.private_file import load_or_create
from syncwell.domain.records import UserId
from syncwell.domain.sharding import bucket_of
from syncwell.providers.registry import InstalledProviders
from syncwell.runtime.backends import open_backends
from syncwell.runtime.caller_identity import load_identity
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import wait_for_stop
from syncwell.runtime.history import make_history
from syncwell.runtime.provider_settings import load_providers
from syncwell.runtime.telemetry.grpc_spans import TracedCalls
from syncwell.runtime.telemetry.telemetry import Telemetry, telemetry_of

SERVICE = "gateway"
MEASURED_SERVICES = ("store", "credentials", "sync_worker", "coalescer", "scheduler")
JOB_ID_KEY_FILE = "job-ids.key"
WEBHOOK_KEY_FILE = "webhooks.key"  # the same file for the command that subscribes
KEY_BYTES = 32
ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not chosen

log = structlog.get_logger()


async def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then answers what runs and closes.

    Raises:
        SetupError: the port is taken, no identity provider is configured, or a file cannot be used.
    """
    clock = make_clock(settings)
    listener = bind(settings.gateway_host, settings.gateway_port, backlog=settings.backlog)
    registry = InstalledProviders(load_providers(settings).settings, clock, files_folder=settings.files_dir)
    async with AsyncExitStack() as stack:
        telemetry = await stack.enter_async_context(telemetry_of(settings, SERVICE))
        backends = await stack.enter_async_context(open_backends(settings, telemetry))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        traced = [TracedCalls(telemetry.tracer)] if telemetry.tracer.is_on else []
        credentials = await stack.enter_async_context(
            open_channel(settings.address_of("credentials"), interceptors=traced)
        )
        store = await stack.enter_async_context(open_channel(settings.address_of("store")))
        coalescer = await stack.enter_async_context(open_channel(settings.address_of("coalescer"), interceptors=traced))
        collectors = await stack.enter_async_context(_collectors(settings, telemetry))
        edge = assemble(
            Collaborators(
                items=backends.items,
                queue=backends.queue,
                connector=GrpcConnections(credentials, load_identity(settings.keys_dir, SERVICE)),
                registry=registry,
                clock=clock,
                history=make_history(settings, clock, SERVICE),
                issuers=make_issuers(settings, http, clock),
                bucket_of=lambda user_id: bucket_of(UserId(user_id)),
                job_id_key=load_or_create(settings.keys_dir / JOB_ID_KEY_FILE, _new_key),
                app_url=settings.app_url,
                public_url=settings.public_url.rstrip("/") or _local_url(listener),
                request_seconds=settings.request_seconds,
                source_events=GrpcSourceEvents(coalescer, load_identity(settings.keys_dir, SERVICE)),
                webhooks_of=registry.webhooks,
                webhook_key=load_or_create(settings.keys_dir / WEBHOOK_KEY_FILE, _new_key),
                checks={"store": _health_of(store), "credentials": _health_of(credentials)},
                collectors=collectors,
                metrics=telemetry.metrics,
                tracer=telemetry.tracer,
                crash_points=make_crash_points(settings),
            )
        )
        async with serving(
            edge, listener, connections_max=settings.connections_max, drain_seconds=settings.drain_seconds
        ):
            log.info("serving", address=_local_url(listener))
            await wait_for_stop()
    await registry.aclose()


@asynccontextmanager
async def _collectors(settings: Settings, telemetry: Telemetry) -> AsyncIterator[dict[str, Collect]]:
    """Opens what `/metrics` asks: this process and every service of the installation."""
    async with AsyncExitStack() as stack:
        collectors: dict[str, Collect] = {SERVICE: telemetry.collect}
        for service in MEASURED_SERVICES:
            channel = await stack.enter_async_context(open_channel(settings.address_of(service)))
            collectors[service] = collector_of(channel)
        yield collectors


def _health_of(channel: grpc.aio.Channel) -> Check:
    stub = health_pb2_grpc.HealthStub(channel)

    async def is_serving() -> bool:
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_SECONDS_MAX)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return is_serving


def _local_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ANY_ADDRESS:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)
