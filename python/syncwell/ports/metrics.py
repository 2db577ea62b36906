"""Counting, as the parts of a service do it. Labels are words of closed lists; never an id of a user, job or record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Final


class Metric(StrEnum):
    """Every metric; `runtime.telemetry.definitions` gives each its kind, labels and help."""

    REQUESTS = "syncwell_requests"
    REQUEST_SECONDS = "syncwell_request_seconds"
    REQUESTS_SHED = "syncwell_requests_shed"
    RPCS = "syncwell_rpcs"
    RPC_SECONDS = "syncwell_rpc_seconds"
    JOB_RUNS = "syncwell_job_runs"
    JOB_RUN_SECONDS = "syncwell_job_run_seconds"
    SYNC_SECONDS = "syncwell_sync_seconds"
    FIRST_SYNC_SECONDS = "syncwell_first_sync_seconds"
    RECORDS = "syncwell_records"
    PROVIDER_CALLS = "syncwell_provider_calls"
    PROVIDER_CALL_SECONDS = "syncwell_provider_call_seconds"
    BUDGET_WAITS = "syncwell_budget_waits"
    BUDGET_WAIT_SECONDS = "syncwell_budget_wait_seconds"
    STORE_BATCHES = "syncwell_store_batches"
    STORE_OPERATIONS = "syncwell_store_operations"
    STORE_COMMIT_SECONDS = "syncwell_store_commit_seconds"
    QUEUE_MESSAGES = "syncwell_queue_messages"
    TOKEN_REFRESHES = "syncwell_token_refreshes"  # noqa: S105 - a name
    CACHE_HITS = "syncwell_cache_hits"
    CACHE_MISSES = "syncwell_cache_misses"
    CACHE_EVICTIONS = "syncwell_cache_evictions"
    CACHE_INVALIDATIONS = "syncwell_cache_invalidations"
    WEBHOOK_EVENTS = "syncwell_webhook_events"
    COALESCER_EVENTS = "syncwell_coalescer_events"
    COALESCER_JOBS = "syncwell_coalescer_jobs"
    COVERAGE_SECONDS = "syncwell_coverage_seconds"
    LOOP_LAG_SECONDS = "syncwell_loop_lag_seconds"
    LOG_LINES_DROPPED = "syncwell_log_lines_dropped"
    SPANS = "syncwell_spans"


class Metrics(ABC):
    """Takes counts and measurements; never fails, never waits.

    A label value beyond what a metric may have is counted as `other`.
    """

    @abstractmethod
    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Adds `amount` to a counter."""

    @abstractmethod
    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Adds a measurement (seconds) to a histogram."""

    @abstractmethod
    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Sets a gauge."""


class NoMetrics(Metrics):
    """Counts nothing."""

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Does nothing."""

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Does nothing."""

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Does nothing."""


NO_METRICS: Final = NoMetrics()
