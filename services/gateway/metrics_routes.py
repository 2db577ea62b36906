"""The metrics of the whole installation, gathered from its services when somebody asks."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence

import grpc

from services.gateway.call import Answer, Call
from services.gateway.operations import Kind, Operation
from syncwell.api.telemetry.v1 import telemetry_pb2 as pb
from syncwell.api.telemetry.v1.telemetry_pb2_grpc import MetricsServiceStub
from syncwell.domain.errors import PermissionDeniedError, SyncWellError
from syncwell.runtime.telemetry.exposition import CONTENT_TYPE, merge

COLLECT_SECONDS_MAX = 2.0  # a service that is busy longer is shown as down; the others are not kept waiting
FORWARDED_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-real-ip")

Collect = Callable[[], Awaitable[bytes]]


class MetricsRoutes:
    """Answers processes of this machine only."""

    def __init__(self, collectors: Mapping[str, Collect]) -> None:
        self._collectors = collectors

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        return (Operation("getMetrics", "GET", "/metrics", Kind.PUBLIC, self.get_metrics),)

    async def get_metrics(self, call: Call) -> Answer:
        """Asks every service at once; one that does not answer is shown as down."""
        if not is_local(call):
            raise PermissionDeniedError("metrics are given to this machine only")
        given = await asyncio.gather(*(_ask(collect) for collect in self._collectors.values()))
        return Answer(200, merge(dict(zip(self._collectors, given, strict=True))), CONTENT_TYPE)


def is_local(call: Call) -> bool:
    """Tells whether a process of this machine asks for itself; what a proxy passes on comes from elsewhere."""
    if any(name in call.headers for name in FORWARDED_HEADERS):
        return False
    try:
        return ipaddress.ip_address(call.client_address).is_loopback
    except ValueError:
        return False


def collector_of(channel: grpc.aio.Channel) -> Collect:
    """Returns how to ask the service behind `channel`."""
    stub = MetricsServiceStub(channel)

    async def collect() -> bytes:
        answer = await stub.CollectMetrics(pb.CollectMetricsRequest(), timeout=COLLECT_SECONDS_MAX)
        return bytes(answer.exposition)

    return collect


async def _ask(collect: Collect) -> bytes | None:
    try:
        async with asyncio.timeout(COLLECT_SECONDS_MAX):
            return await collect()
    except (TimeoutError, SyncWellError, grpc.aio.AioRpcError):
        return None
