"""Counts, times and traces the gRPC calls that a process serves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from syncwell.adapters.grpc.channel import CORRELATION_KEY, TRACE_PARENT_KEY, correlation_id
from syncwell.api.telemetry.v1 import telemetry_pb2 as pb
from syncwell.api.telemetry.v1.telemetry_pb2_grpc import MetricsServiceServicer
from syncwell.domain.errors import SyncWellError
from syncwell.ports.metrics import NO_METRICS, Metric
from syncwell.ports.tracer import NO_TRACER, SpanKind
from syncwell.runtime.telemetry.telemetry import Telemetry


class ServedCalls:
    """Goes around every handler; without telemetry it still takes over the caller's correlation id."""

    def __init__(self, telemetry: Telemetry | None) -> None:
        self._metrics = NO_METRICS if telemetry is None else telemetry.metrics
        self._tracer = NO_TRACER if telemetry is None else telemetry.tracer

    @contextmanager
    def watch(self, method: str, metadata: grpc.aio.Metadata | None) -> Iterator[None]:
        """Runs the body as the handling of one call of `method` (`/package.Service/Method`)."""
        sent = {key: str(value) for key, value in metadata or ()}
        correlation_id.set(sent.get(CORRELATION_KEY, ""))
        name, parent = method.rpartition(".")[2], sent.get(TRACE_PARENT_KEY, "")
        loop = asyncio.get_running_loop()
        began, outcome = loop.time(), "ok"
        try:
            if parent:
                with self._tracer.span(name, SpanKind.SERVER, parent=parent):
                    yield
            else:  # health, metrics, batches of many callers: nobody's trace
                yield
        except SyncWellError as exc:
            outcome = exc.code
            raise
        except BaseException as exc:
            outcome = "cancelled" if isinstance(exc, asyncio.CancelledError | GeneratorExit) else "internal"
            raise
        finally:
            self._metrics.count(Metric.RPCS, method=name, outcome=outcome)
            self._metrics.observe(Metric.RPC_SECONDS, loop.time() - began, method=name)


class MetricsServicer(MetricsServiceServicer):
    """Gives this process's metrics. They name nobody, so that whoever reaches the socket may read them."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def CollectMetrics(  # noqa: N802 - gRPC's spelling
        self,
        request: pb.CollectMetricsRequest,  # noqa: ARG002 - it says nothing
        context: grpc.aio.ServicerContext[pb.CollectMetricsRequest, pb.CollectMetricsResponse],  # noqa: ARG002 - unused
    ) -> pb.CollectMetricsResponse:
        """Returns the exposition."""
        return pb.CollectMetricsResponse(exposition=await self._telemetry.collect())
