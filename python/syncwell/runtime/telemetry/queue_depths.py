"""Looks at the queues when somebody asks for metrics."""

from __future__ import annotations

from syncwell.ports.job_queue import JobClass, JobQueue
from syncwell.ports.metrics import Metric, Metrics


class QueueDepths:
    """Sets the gauge of each class."""

    def __init__(self, queue: JobQueue, metrics: Metrics) -> None:
        self._queue = queue
        self._metrics = metrics

    async def refresh(self) -> None:
        """Reads every depth; a store that does not answer raises as the queue does."""
        for job_class in JobClass:
            self._metrics.set(Metric.QUEUE_MESSAGES, await self._queue.depth(job_class), job_class=job_class)
