"""Writes spans as JSON lines; several processes may share the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class SpanFile(SpanExporter):
    """Appends whole lines, a write each batch."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Appends `spans`."""
        os.write(self._descriptor, b"".join([msgspec.json.encode(_row_of(span)) + b"\n" for span in spans]))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)


def _row_of(span: ReadableSpan) -> dict[str, object]:
    context = span.get_span_context()
    return {
        "service": span.resource.attributes.get("service.name", ""),
        "name": span.name,
        "kind": span.kind.name.lower(),
        "traceId": f"{context.trace_id:032x}" if context else "",
        "spanId": f"{context.span_id:016x}" if context else "",
        "parentId": f"{span.parent.span_id:016x}" if span.parent else "",
        "startNs": span.start_time,
        "endNs": span.end_time,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
    }
