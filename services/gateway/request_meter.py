"""Counts and times requests by route template; every label is a word of the OpenAPI document."""

from __future__ import annotations

from services.gateway.operations import Operation
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics

NO_ROUTE = "none"
SHED_STATUSES = (429, 503)


class RequestMeter:
    """Told of every answer."""

    def __init__(self, metrics: Metrics = NO_METRICS) -> None:
        self._metrics = metrics

    def answered(self, operation: Operation | None, status: int, seconds: float) -> None:
        """Notes one answer. `status` 0 stands for a caller who left before it."""
        route = NO_ROUTE if operation is None else f"{operation.method} {operation.path}"
        self._metrics.count(Metric.REQUESTS, route=route, status=f"{status // 100}xx" if status else "left")
        self._metrics.observe(Metric.REQUEST_SECONDS, seconds, route=route)

    def refused(self, status: int, code: str) -> None:
        """Notes an error; those that send the caller away for a while count as shed."""
        if status in SHED_STATUSES:
            self._metrics.count(Metric.REQUESTS_SHED, reason=code)
