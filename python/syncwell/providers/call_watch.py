"""Counts, times and traces calls to providers. What a call says stays out: no query, no header, no body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from syncwell.domain.errors import ProviderThrottledError, ProviderUnavailableError, SyncWellError
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.ports.tracer import NO_TRACER, SpanKind, Tracer
from syncwell.providers.response import Response

NO_BUDGET = "no_budget"
LOST = "lost"

# Words of an API's own paths; whatever else stands in a path is an id of somebody or something.
_WORD = re.compile(r"v\d{1,2}|[a-z]{1,20}\d?(?:[-_][a-z]{1,20}\d?){0,3}|[a-z]{1,20}(?:[A-Z][a-z]{1,20}){0,3}")


class CallWatch:
    """Goes around each call of a metered client."""

    def __init__(self, metrics: Metrics = NO_METRICS, tracer: Tracer = NO_TRACER) -> None:
        self._metrics = metrics
        self._tracer = tracer

    async def around(self, provider: str, method: str, path: str, call: Callable[[], Awaitable[Response]]) -> Response:
        """Makes the call and returns its answer, or raises what it raised."""
        loop = asyncio.get_running_loop()
        began, outcome = loop.time(), LOST
        route = route_of(path)
        try:
            with self._tracer.span(
                f"{method} {route}", SpanKind.CLIENT, provider=provider, method=method, route=route
            ) as span:
                try:
                    response = await call()
                    outcome = f"{response.status // 100}xx"
                    span.note(status=response.status)
                    return response
                except SyncWellError as exc:
                    outcome = outcome_of(exc)
                    span.note(outcome=outcome)
                    raise
                finally:
                    self._metrics.count(Metric.PROVIDER_CALLS, provider=provider, outcome=outcome)
        except ProviderThrottledError as exc:
            if outcome == NO_BUDGET:
                self._metrics.count(Metric.BUDGET_WAITS, provider=provider)
                self._metrics.observe(Metric.BUDGET_WAIT_SECONDS, exc.retry_after.total_seconds(), provider=provider)
            raise
        finally:
            if outcome != NO_BUDGET:
                self._metrics.observe(Metric.PROVIDER_CALL_SECONDS, loop.time() - began, provider=provider)


def route_of(path: str) -> str:
    """Returns the path as a template: every part that is no plain word becomes `{id}`."""
    return "/".join(part if not part or _WORD.fullmatch(part) else "{id}" for part in path.split("/"))


def outcome_of(error: SyncWellError) -> str:
    """Returns the word for a call that raised `error`."""
    status = error.fields.get("status", "")
    if isinstance(error, ProviderThrottledError):
        return "429" if status else NO_BUDGET
    if isinstance(error, ProviderUnavailableError):
        return "5xx" if status else LOST
    return "invalid"
