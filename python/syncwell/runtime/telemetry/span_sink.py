"""Carries ended spans to an exporter and never keeps the work waiting: what does not fit is dropped and counted."""

from __future__ import annotations

import threading
from collections import deque

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from syncwell.ports.metrics import Metric, Metrics

WAITING_SPANS_MAX = 4_096  # a second of a busy process
BATCH_SPANS_MAX = 512
PERIOD_SECONDS = 1.0
FLUSH_SECONDS_MAX = 2.0  # of the end of a process; a collector that hangs gets no more


class SpanSink(SpanProcessor):
    """Exports from a thread of its own."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics, *, waiting_max: int = WAITING_SPANS_MAX) -> None:
        self._exporter = exporter
        self._metrics = metrics
        self._waiting_max = waiting_max
        self._waiting: deque[ReadableSpan] = deque()
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._export_forever, name="spans", daemon=True)
        self._thread.start()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Does nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queues the span, or drops it where too many wait."""
        if len(self._waiting) >= self._waiting_max:
            self._metrics.count(Metric.SPANS, outcome="dropped")
            return
        self._waiting.append(span)
        if len(self._waiting) >= BATCH_SPANS_MAX:
            self._wake.set()

    def shutdown(self) -> None:
        """Exports what waits, for two seconds at most."""
        self._is_closing = True
        self._wake.set()
        self._thread.join(FLUSH_SECONDS_MAX)

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002 - the thread keeps its own time
        """Asks the thread to export now; says whether nothing waits."""
        self._wake.set()
        return not self._waiting

    def _export_forever(self) -> None:
        while not self._is_closing or self._waiting:
            if not self._waiting:
                self._wake.wait(PERIOD_SECONDS)
                self._wake.clear()
                continue
            self._export([self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_SPANS_MAX))])
        self._exporter.shutdown()

    def _export(self, batch: list[ReadableSpan]) -> None:
        try:
            is_sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception:  # a foreign exporter: its thread must outlive whatever it raises
            is_sent = False
        self._metrics.count(Metric.SPANS, len(batch), outcome="sent" if is_sent else "failed")
