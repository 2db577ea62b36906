"""JSON log lines with `correlationId`, redacted."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping

import structlog

from syncwell.adapters.grpc.channel import correlation_id
from syncwell.domain.redaction import redact


def configure_logs(service: str, *, level: str, log_format: str) -> None:
    """Sends every log line of this process to stderr; call once, at start."""
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _name_the_trace,
            _redact_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    _bind_service(service)


def _bind_service(service: str) -> None:
    global _service  # noqa: PLW0603 - one process is one service
    _service = service


_service = ""


def _name_the_trace(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    event["service"] = _service
    event["correlationId"] = correlation_id.get() or event.get("correlationId", "")
    return event


def _redact_values(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event
