"""JSON log lines with `correlationId`, redacted, written without ever waiting for their reader."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping

import structlog

from syncwell.adapters.grpc.channel import correlation_id
from syncwell.domain.errors import SyncWellError
from syncwell.domain.redaction import redact
from syncwell.runtime.log_sink import LogSink

CAUSES_MAX = 5
FRAMES_MAX = 30

Event = MutableMapping[str, object]


def configure_logs(service: str, *, level: str, log_format: str) -> None:
    """Sends every log line of this process to stderr, those of libraries too; call once, at start."""
    global _service, _sink
    _service, _sink = service, LogSink(sys.stderr.fileno())
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _describe_exception,
            _name_the_trace,
            _redact_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=_make_logger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(handlers=[_LibraryLines()], level=logging.WARNING, force=True)


def dropped_line_count() -> int:
    """Returns how many lines were lost since the start because nobody read them."""
    return 0 if _sink is None else _sink.dropped_count


_service = ""
_sink: LogSink | None = None


class _SinkLogger:
    """What structlog hands rendered lines to."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink

    def msg(self, message: str) -> None:
        self._sink.write(message + "\n")

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def _make_logger(*_: object) -> _SinkLogger:
    assert _sink is not None, "logs are configured"  # noqa: S101 - by the only caller, structlog after `configure`
    return _SinkLogger(_sink)


class _LibraryLines(logging.Handler):
    """Takes what libraries log by the standard way into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Passes the record on; its text is redacted like every other."""
        error = record.exc_info[1] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno, "library_message", logger=record.name, text=record.getMessage(), exc_info=error
        )


def _describe_exception(_: object, __: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["exception"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> str:
    """Returns classes and places of `error` and its causes; texts of our own errors only.

    A foreign exception's text may quote what it choked on: a token, a note, a heart rate.
    """
    parts: list[str] = []
    each: BaseException | None = error
    while each is not None and len(parts) < CAUSES_MAX:
        frames = traceback.extract_tb(each.__traceback__)[-FRAMES_MAX:]
        places = "".join(f"\n  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        text = f": {each.message}" if isinstance(each, SyncWellError) else ""
        parts.append(f"{type(each).__name__}{text}{places}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\ncaused by ".join(parts)


def _name_the_trace(_: object, __: str, event: Event) -> Event:
    event["service"] = _service
    event["correlationId"] = correlation_id.get() or event.get("correlationId", "")
    return event


def _redact_values(_: object, __: str, event: Event) -> Event:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event
