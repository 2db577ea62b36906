"""Counts, times and traces the runs of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import structlog

from syncwell.domain.jobs import Job
from syncwell.ports.job_queue import JobClass, JobMessage
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.ports.tracer import NO_TRACER, SpanKind, Tracer, parts_of_parent
from syncwell.usecases.run_sync import RunResult

WAITING = "waiting"
NOT_GRANTED = "not_granted"
LOST = "lost"  # the store went away, or the run was handed back: nobody here knows how the job stands

log = structlog.get_logger()


class JobMeter:
    """Goes around each run."""

    def __init__(self, metrics: Metrics = NO_METRICS, tracer: Tracer = NO_TRACER) -> None:
        self._metrics = metrics
        self._tracer = tracer

    async def around(self, message: JobMessage, run: Callable[[], Awaitable[RunResult]]) -> RunResult:
        """Runs the job and returns how that ended, or raises what it raised."""
        loop = asyncio.get_running_loop()
        began, outcome = loop.time(), LOST
        parent = message.trace if parts_of_parent(message.trace) else ""
        try:
            with self._tracer.span(
                "job run", SpanKind.CONSUMER, parent=parent, job_class=message.job_class, job_id=message.job_id
            ) as span:
                result = await run()
                outcome = outcome_of(result)
                span.note(outcome=outcome, receipt=result.receipt)
        finally:
            self._metrics.count(Metric.JOB_RUNS, job_class=message.job_class, outcome=outcome)
            self._metrics.observe(Metric.JOB_RUN_SECONDS, loop.time() - began, job_class=message.job_class)
        log.info("job_run_ended", job_id=message.job_id, outcome=outcome, receipt=result.receipt)
        if result.job is not None and result.job.state.is_terminal and outcome != NOT_GRANTED:
            self._finished(message.job_class, result.job)
        return result

    def _finished(self, job_class: JobClass, job: Job) -> None:
        seconds = (job.updated_at_ms - job.created_at_ms) / 1000
        self._metrics.observe(Metric.SYNC_SECONDS, seconds, job_class=job_class, outcome=job.state.lower())
        for outcome, record_count in asdict(job.counts).items():
            if record_count:
                self._metrics.count(Metric.RECORDS, record_count, outcome=outcome)


def outcome_of(result: RunResult) -> str:
    """Returns the word for a run's end: the job's final state, or that it waits, or that it was not ours to run."""
    if not result.was_granted:
        return NOT_GRANTED
    if result.job is None or not result.job.state.is_terminal:
        return WAITING
    return result.job.state.lower()
