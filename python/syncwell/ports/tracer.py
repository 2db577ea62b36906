"""Spans of a trace, as the parts of a service make them; where they go is the runtime's business.

A trace has the id that logs call `correlationId`. Between processes it travels as a W3C trace parent; where nothing is
traced, the bare correlation id travels in its place.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from enum import StrEnum
from typing import Final

AttributeValue = str | int | float | bool

# The W3C trace parent of the span that this task is in; empty where nothing is traced.
current_parent: ContextVar[str] = ContextVar("current_parent", default="")

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class SpanKind(StrEnum):
    """Which side of a conversation a span tells of."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


class Span(ABC):
    """One step that is under way."""

    @abstractmethod
    def note(self, **attributes: AttributeValue) -> None:
        """Adds facts: names, codes, counts and our own ids. Never a token, a note, an address or a health value."""


class Tracer(ABC):
    """Makes spans. An error that leaves a span's body is noted by its class alone."""

    @property
    @abstractmethod
    def is_on(self) -> bool:
        """Whether spans go anywhere; where not, `span` costs next to nothing."""

    @abstractmethod
    def span(
        self, name: str, kind: SpanKind, *, parent: str = "", **attributes: AttributeValue
    ) -> AbstractContextManager[Span]:
        """Opens a span around the body: a child of `parent` (a W3C trace parent), else of the span around it.

        Without either it begins the trace of this task's correlation id.
        """


class _NoSpan(Span):
    def note(self, **attributes: AttributeValue) -> None:
        """Forgets."""


class NoTracer(Tracer):
    """Traces nothing."""

    def __init__(self) -> None:
        self._nothing = nullcontext[Span](_NoSpan())

    @property
    def is_on(self) -> bool:
        """False."""
        return False

    def span(
        self,
        name: str,  # noqa: ARG002 - nothing is traced
        kind: SpanKind,  # noqa: ARG002 - nothing is traced
        *,
        parent: str = "",  # noqa: ARG002 - nothing is traced
        **attributes: AttributeValue,  # noqa: ARG002 - nothing is traced
    ) -> AbstractContextManager[Span]:
        """Does nothing around the body."""
        return self._nothing


NO_TRACER: Final = NoTracer()


def parts_of_parent(parent: str) -> tuple[str, str, str] | None:
    """Returns (trace id, span id, flags) of a W3C trace parent, or None where `parent` is none."""
    match = _PARENT.fullmatch(parent)
    return None if match is None else (match[1], match[2], match[3])


def correlation_of(trace: str) -> str:
    """Returns the correlation id in what a message carries: a W3C trace parent or the bare id."""
    parts = parts_of_parent(trace)
    return trace if parts is None else parts[0]
