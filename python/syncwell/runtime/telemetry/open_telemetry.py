"""The tracer over the OpenTelemetry SDK. Imported only where tracing is on: the SDK is not free to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from syncwell.adapters.grpc.channel import correlation_id
from syncwell.domain.redaction import redact
from syncwell.ports.metrics import Metrics
from syncwell.ports.tracer import AttributeValue, Span, SpanKind, Tracer, current_parent, parts_of_parent
from syncwell.runtime.telemetry.span_file import SpanFile
from syncwell.runtime.telemetry.span_sink import SpanSink

ATTRIBUTE_CHARACTERS_MAX = 200
ATTRIBUTES_MAX = 32
EXPORT_SECONDS_MAX = 5
TRACE_ID_DIGITS = 32

_KINDS = {kind: trace.SpanKind[kind.name] for kind in SpanKind}


class OpenTelemetryTracer(Tracer):
    """Makes spans and hands them to exporters. Close it before the process ends."""

    def __init__(self, service: str, exporters: list[SpanExporter], metrics: Metrics, *, ratio: float = 1.0) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=Resource({"service.name": service, "service.namespace": "syncwell"}),
            id_generator=_CorrelatedIds(),
            span_limits=SpanLimits(max_span_attributes=ATTRIBUTES_MAX, max_attribute_length=ATTRIBUTE_CHARACTERS_MAX),
            shutdown_on_exit=False,
        )
        for exporter in exporters:
            self._provider.add_span_processor(SpanSink(exporter, metrics))
        self._tracer = self._provider.get_tracer("syncwell")

    @property
    def is_on(self) -> bool:
        """True."""
        return True

    def span(
        self, name: str, kind: SpanKind, *, parent: str = "", **attributes: AttributeValue
    ) -> AbstractContextManager[Span]:
        """Opens a span around the body."""
        return self._around(name, kind, parent, attributes)

    def close(self) -> None:
        """Exports what waits, within a bound."""
        self._provider.shutdown()

    @contextmanager
    def _around(self, name: str, kind: SpanKind, parent: str, attributes: dict[str, AttributeValue]) -> Iterator[Span]:
        before = current_parent.get()
        span = self._tracer.start_span(
            name, _context_of(parent or before), kind=_KINDS[kind], attributes=_clean(attributes)
        )
        current_parent.set(_parent_of(span.get_span_context()))
        try:
            yield _OpenSpan(span)
        except BaseException as exc:
            span.set_attribute("error.type", type(exc).__name__)  # its text may quote what it must not
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            current_parent.set(before)
            span.end()


class _OpenSpan(Span):
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, **attributes: AttributeValue) -> None:
        """Adds attributes, redacted."""
        self._span.set_attributes(_clean(attributes))


class _CorrelatedIds(IdGenerator):
    """Gives a new trace the correlation id of its task, so that logs and traces share one id."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        """Returns a random id."""
        return self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        """Returns the task's correlation id, or a random one where it has none that can be a trace's."""
        known = correlation_id.get()
        if len(known) == TRACE_ID_DIGITS and all(digit in "0123456789abcdef" for digit in known) and int(known, 16):
            return int(known, 16)
        return self._random.generate_trace_id()


def file_exporter(path: Path) -> SpanExporter:
    """Returns an exporter that appends JSON lines to `path`."""
    return SpanFile(path)


def otlp_exporter(endpoint: str) -> SpanExporter:
    """Returns an exporter to an OTLP collector (`http://host:4317` is plain, `https://` is TLS)."""
    return OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=EXPORT_SECONDS_MAX)


def _clean(attributes: dict[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {name: redact(value) if isinstance(value, str) else value for name, value in attributes.items()}


def _context_of(parent: str) -> Context:
    parts = parts_of_parent(parent)
    if parts is None:
        return Context()
    trace_id, span_id, flags = parts
    remote = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return trace.set_span_in_context(NonRecordingSpan(remote), Context())


def _parent_of(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
