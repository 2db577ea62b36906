"""Spans: their ids, their parents, what they must not say, and a collector that hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from syncwell.adapters.grpc.channel import call_metadata, correlation_id
from syncwell.ports.metrics import NO_METRICS
from syncwell.ports.tracer import NO_TRACER, SpanKind, correlation_of, current_parent
from syncwell.runtime.settings import InstallationSettings
from syncwell.runtime.telemetry.metrics import PrometheusMetrics
from syncwell.runtime.telemetry.open_telemetry import OpenTelemetryTracer, file_exporter, otlp_exporter
from syncwell.runtime.telemetry.span_sink import SpanSink
from syncwell.runtime.telemetry.telemetry import telemetry_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def spans_in(path: Path) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


def test_children_hang_on_their_parents_and_on_the_callers_span(tmp_path: Path) -> None:
    """A span with a parent from outside continues that trace; inside it, spans nest."""
    tracer = OpenTelemetryTracer("gateway", [file_exporter(tmp_path / "spans")], NO_METRICS)
    with tracer.span("outer", SpanKind.SERVER, parent=PARENT), tracer.span("inner", SpanKind.CLIENT):
        sent = dict(call_metadata())
    assert current_parent.get() == ""
    tracer.close()
    inner, outer = spans_in(tmp_path / "spans")
    assert (outer["traceId"], outer["parentId"]) == (TRACE, "b7ad6b7169203331")
    assert inner["parentId"] == outer["spanId"]
    assert sent["traceparent"] == f"00-{TRACE}-{inner['spanId']}-01"


def test_a_trace_that_begins_here_has_the_correlation_id(tmp_path: Path) -> None:
    """Logs and traces are found by one id."""
    tracer = OpenTelemetryTracer("gateway", [file_exporter(tmp_path / "spans")], NO_METRICS)
    token = correlation_id.set(TRACE)
    with tracer.span("root", SpanKind.SERVER, parent="not a parent"):
        assert correlation_of(current_parent.get()) == TRACE
    correlation_id.reset(token)
    tracer.close()
    assert [span["traceId"] for span in spans_in(tmp_path / "spans")] == [TRACE]


def test_an_error_is_named_by_its_class_and_texts_are_redacted(tmp_path: Path) -> None:
    """Neither an exception's text nor a secret in an attribute reaches a span."""
    tracer = OpenTelemetryTracer("gateway", [file_exporter(tmp_path / "spans")], NO_METRICS)

    def work() -> None:
        with tracer.span("work", SpanKind.INTERNAL) as span:
            span.note(text="Bearer abcdefghijklmnop")
            raise ValueError("s3cret")

    with pytest.raises(ValueError, match="s3cret"):
        work()
    tracer.close()
    (written,) = spans_in(tmp_path / "spans")
    assert written["status"] == "error"
    assert written["attributes"] == {"text": "Bearer ***", "error.type": "ValueError"}


def test_without_tracing_a_span_is_nothing() -> None:
    """The tracer that does nothing leaves no parent behind."""
    with NO_TRACER.span("work", SpanKind.SERVER, parent=PARENT) as span:
        span.note(status=1)
        assert current_parent.get() == ""


class StuckExporter(SpanExporter):
    """A collector that never answers."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.is_asked = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.is_asked.set()
        self.released.wait(30)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Nothing to close."""


def test_spans_for_a_stuck_collector_are_dropped_and_counted() -> None:
    """Ending a span never waits: beyond the bound spans are dropped, and the metric says how many."""
    metrics, stuck = PrometheusMetrics(), StuckExporter()
    sink = SpanSink(stuck, metrics, waiting_max=10)
    span = ReadableSpan("work")
    sink.on_end(span)
    sink.force_flush()
    assert stuck.is_asked.wait(5)
    for _ in range(25):
        sink.on_end(span)
    stuck.released.set()
    sink.shutdown()
    text = metrics.exposition().decode()
    assert 'syncwell_spans_total{outcome="dropped"} 15.0' in text
    assert 'syncwell_spans_total{outcome="failed"} 11.0' in text


async def test_a_collector_that_takes_connections_and_hangs_delays_nothing(tmp_path: Path) -> None:
    """With a real exporter and a port that never answers, spans cost microseconds and the end is bounded (F58)."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        threads = set(threading.enumerate())
        tracer = OpenTelemetryTracer("gateway", [otlp_exporter(endpoint)], NO_METRICS)
        began = time.perf_counter()
        for _ in range(2_000):
            with tracer.span("request", SpanKind.SERVER):
                pass
        spent = time.perf_counter() - began
        ending = time.perf_counter()
        await asyncio.to_thread(tracer.close)
        end_seconds = time.perf_counter() - ending
    for thread in set(threading.enumerate()) - threads:
        if "asyncio" not in thread.name:
            thread.join(30)  # the exporter gives up by itself; not within another test
    assert spent < 2.0  # 1 ms each on a machine that does much else; one time-out alone would be 5 s
    assert end_seconds < 4.0


async def test_an_installation_that_names_no_place_does_not_trace(tmp_path: Path) -> None:
    """Metrics are always there; the tracer is off unless the settings say where spans go."""
    async with telemetry_of(InstallationSettings(data_dir=tmp_path), "gateway") as quiet:
        assert not quiet.tracer.is_on
        assert b"syncwell_loop_lag_seconds" in await quiet.collect()
    async with telemetry_of(InstallationSettings(data_dir=tmp_path, trace_file=tmp_path / "spans"), "gateway") as loud:
        assert loud.tracer.is_on
