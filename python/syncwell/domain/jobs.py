"""A sync job: its request, its life, its honest result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from syncwell.domain.records import ConnectionId, DataType, UserId

JobId = NewType("JobId", str)

ATTEMPTS_MAX = 5


class JobState(StrEnum):
    """The states that REST shows."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING_DEVICE = "WAITING_DEVICE"
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_FAILED = "PARTIALLY_FAILED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """True when the job will never run again."""
        return self in (JobState.SUCCEEDED, JobState.PARTIALLY_FAILED, JobState.FAILED, JobState.CANCELLED)


class JobMode(StrEnum):
    """What made the job."""

    MANUAL = "manual"
    HISTORICAL = "historical"
    WEBHOOK = "webhook"
    SCHEDULED = "scheduled"


class Priority(StrEnum):
    """Order of the use of budgets inside a class."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class DateRange:
    """Half-open range of record starts, epoch milliseconds."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What was asked for; never changes after acceptance."""

    user_id: UserId
    source_connection_id: ConnectionId
    destination_connection_id: ConnectionId
    data_type: DataType
    mode: JobMode
    priority: Priority = Priority.MEDIUM
    date_range: DateRange | None = None
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by outcome; their sum is the number of source records seen."""

    created: int = 0
    updated: int = 0
    merged: int = 0
    skipped: int = 0
    conflicted: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Chunks of a job; an ordinary job is one chunk."""

    total_chunks: int = 1
    processed_chunks: int = 0
    failed_chunks: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """The job row (design D4): the truth that queue messages only point at.

    `fence` rises on every claim and is carried by every later store write; `attempt` counts failures only.
    `wait_reason` and `failure_reason` are codes of the closed lists in the OpenAPI document.
    """

    job_id: JobId
    request: JobRequest
    request_fingerprint: str
    state: JobState
    created_at_ms: int
    updated_at_ms: int
    version: int = 1
    attempt: int = 0
    fence: int = 0
    lease_until_ms: int = 0
    owner: str = ""
    retry_at_ms: int | None = None
    wait_reason: str | None = None
    failure_reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    progress: Progress = field(default_factory=Progress)
    correlation_id: str = ""

    def has_live_lease(self, now_ms: int) -> bool:
        """True while some worker may be running this job."""
        return self.state is JobState.RUNNING and now_ms < self.lease_until_ms
