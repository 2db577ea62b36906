"""Measures the store's commits; shows one in sixty-four as a span, since a commit belongs to many callers' traces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from syncwell.adapters.embedded.batch import Submission
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.ports.tracer import NO_TRACER, SpanKind, Tracer

SPAN_EVERY = 64


class CommitMeter:
    """Goes around each commit."""

    def __init__(self, metrics: Metrics = NO_METRICS, tracer: Tracer = NO_TRACER) -> None:
        self._metrics = metrics
        self._tracer = tracer
        self._commit_count = 0
        self._outcome = ""

    @contextmanager
    def around(self, batch: Sequence[Submission]) -> Iterator[None]:
        """Runs the body as the commit of `batch`."""
        loop = asyncio.get_running_loop()
        began, self._outcome = loop.time(), "committed"
        task_count = sum([len(submission.tasks) for submission in batch])
        try:
            if self._tracer.is_on and self._commit_count % SPAN_EVERY == 0:
                byte_count = sum([submission.byte_count for submission in batch])
                with self._tracer.span(
                    "store commit", SpanKind.INTERNAL, submissions=len(batch), operations=task_count, bytes=byte_count
                ):
                    yield
            else:
                yield
        finally:
            self._commit_count += 1
            self._metrics.count(Metric.STORE_BATCHES, outcome=self._outcome)
            self._metrics.count(Metric.STORE_OPERATIONS, task_count)
            self._metrics.observe(Metric.STORE_COMMIT_SECONDS, loop.time() - began)

    def refused(self) -> None:
        """Notes that the present commit was not made."""
        self._outcome = "refused"
