"""What each metric is: kind, labels, buckets, meaning. `docs/metrics.md` is made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from syncwell.ports.metrics import Metric

LABEL_SETS_MAX = 200  # routes x statuses is the largest product; what exceeds it is a mistake and becomes `other`

FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CALLS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SYNCS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)


class MetricKind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. `labels` are in the order of the exposition."""

    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = FAST


def _counter(text: str, *labels: str) -> Definition:
    return Definition(MetricKind.COUNTER, text, labels)


def _gauge(text: str, *labels: str) -> Definition:
    return Definition(MetricKind.GAUGE, text, labels)


def _histogram(buckets: tuple[float, ...], text: str, *labels: str) -> Definition:
    return Definition(MetricKind.HISTOGRAM, text, labels, buckets)


DEFINITIONS: Final[dict[Metric, Definition]] = {
    Metric.REQUESTS: _counter("REST requests by route template and status class.", "route", "status"),
    Metric.REQUEST_SECONDS: _histogram(FAST, "Time from a request's head to its answer.", "route"),
    Metric.REQUESTS_SHED: _counter("Requests refused with 429 or 503, by error code.", "reason"),
    Metric.RPCS: _counter("gRPC calls served, by method and error code (`ok` for none).", "method", "outcome"),
    Metric.RPC_SECONDS: _histogram(FAST, "Time to serve a gRPC call.", "method"),
    Metric.JOB_RUNS: _counter(
        "Runs of jobs by class and what came of them: a final state, or `waiting`, or `not_granted`, or `lost`.",
        "job_class",
        "outcome",
    ),
    Metric.JOB_RUN_SECONDS: _histogram(SYNCS, "Time of one run of a job, waits between runs left out.", "job_class"),
    Metric.SYNC_SECONDS: _histogram(
        SYNCS, "Time from a job's acceptance to its final state, waits included.", "job_class", "outcome"
    ),
    Metric.FIRST_SYNC_SECONDS: _histogram(
        SYNCS, "Time from a pair's first job's acceptance to its success (TimeToFirstSync).", "mode"
    ),
    Metric.RECORDS: _counter("Source records by what a finished job did with them.", "outcome"),
    Metric.PROVIDER_CALLS: _counter(
        "Calls to providers by status class, or `lost` (no answer), `invalid`, `no_budget` (never made).",
        "provider",
        "outcome",
    ),
    Metric.PROVIDER_CALL_SECONDS: _histogram(CALLS, "Time to a provider's answer.", "provider"),
    Metric.BUDGET_WAITS: _counter("Calls put off because a call budget was spent.", "provider"),
    Metric.BUDGET_WAIT_SECONDS: _histogram(SYNCS, "How long a spent budget puts a call off.", "provider"),
    Metric.STORE_BATCHES: _counter("Commits of the store by outcome.", "outcome"),
    Metric.STORE_OPERATIONS: _counter("Operations that shared those commits."),
    Metric.STORE_COMMIT_SECONDS: _histogram(FAST, "Time of one commit, with the disk's sync."),
    Metric.QUEUE_MESSAGES: _gauge("Messages in the queues, hidden ones too.", "job_class"),
    Metric.TOKEN_REFRESHES: _counter("Refreshes of grants by outcome.", "provider", "outcome"),
    Metric.CACHE_HITS: _counter("Answers from a cache.", "cache"),
    Metric.CACHE_MISSES: _counter("Questions that a cache could not answer.", "cache"),
    Metric.CACHE_EVICTIONS: _counter("Entries that made room for others.", "cache"),
    Metric.CACHE_INVALIDATIONS: _counter("Entries dropped because they were known to be wrong.", "cache"),
    Metric.WEBHOOK_EVENTS: _counter(
        "Events that providers sent, by what became of them: accepted, forged, deauthorized, unknown_owner.",
        "provider",
        "outcome",
    ),
    Metric.COALESCER_EVENTS: _counter("Change events accepted, repetitions among them."),
    Metric.COALESCER_JOBS: _counter(
        "Jobs that were made of them: `leading` for a source that was quiet, else `trailing`.", "edge"
    ),
    Metric.COVERAGE_SECONDS: _histogram(SYNCS, "Time from an event's arrival to the run that covered it."),
    Metric.LOOP_LAG_SECONDS: _histogram(FAST, "How late the event loop wakes a task that asked for a moment."),
    Metric.LOG_LINES_DROPPED: _counter("Log lines dropped because nobody read them."),
    Metric.SPANS: _counter("Spans that ended: `sent`, `dropped` (the queue was full) or `failed`.", "outcome"),
}
