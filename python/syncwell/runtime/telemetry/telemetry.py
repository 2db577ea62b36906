"""What a process tells about itself: metrics always, spans where the settings name a place for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from syncwell.domain.errors import SetupError
from syncwell.ports.metrics import Metric
from syncwell.ports.tracer import NO_TRACER, Tracer
from syncwell.runtime.logs import dropped_line_count
from syncwell.runtime.settings import InstallationSettings
from syncwell.runtime.telemetry.loop_lag import watch_loop
from syncwell.runtime.telemetry.metrics import PrometheusMetrics

BeforeCollection = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Telemetry:
    """One process's metrics and tracer. `before_collection` brings gauges up to date when somebody asks."""

    service: str
    metrics: PrometheusMetrics
    tracer: Tracer = NO_TRACER
    before_collection: list[BeforeCollection] = field(default_factory=list)
    counted_drops: int = 0

    async def collect(self) -> bytes:
        """Returns the metrics in the Prometheus text format."""
        for refresh in self.before_collection:
            await refresh()
        dropped_count = dropped_line_count()
        self.metrics.count(Metric.LOG_LINES_DROPPED, dropped_count - self.counted_drops)
        self.counted_drops = dropped_count
        return self.metrics.exposition()


@asynccontextmanager
async def telemetry_of(settings: InstallationSettings, service: str) -> AsyncIterator[Telemetry]:
    """Measures the loop while the body runs; sends what is left of the spans at its end, within a bound.

    Raises:
        SetupError: the file for spans cannot be written.
    """
    metrics = PrometheusMetrics()
    if not settings.otlp_endpoint and settings.trace_file is None:
        async with _measuring(metrics):
            yield Telemetry(service, metrics)
        return
    # Loading the SDK costs 100 ms and some megabytes; an installation that does not trace pays neither.
    from syncwell.runtime.telemetry import open_telemetry  # noqa: PLC0415

    exporters = []
    if settings.otlp_endpoint:
        exporters.append(open_telemetry.otlp_exporter(settings.otlp_endpoint))
    if settings.trace_file is not None:
        try:
            exporters.append(open_telemetry.file_exporter(settings.trace_file))
        except OSError as exc:
            raise SetupError(f"cannot write {settings.trace_file}: {exc.strerror}; see SYNCWELL_TRACE_FILE") from exc
    tracer = open_telemetry.OpenTelemetryTracer(service, exporters, metrics, ratio=settings.trace_ratio)
    try:
        async with _measuring(metrics):
            yield Telemetry(service, metrics, tracer)
    finally:
        await asyncio.to_thread(tracer.close)


@asynccontextmanager
async def _measuring(metrics: PrometheusMetrics) -> AsyncIterator[None]:
    watch = asyncio.create_task(watch_loop(metrics), name="loop lag")
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
