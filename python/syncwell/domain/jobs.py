"""A sync job: its request, its life, its honest result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from syncwell.domain.records import ConnectionId, DataType, UserId

JobId = NewType("JobId", str)

ATTEMPTS_MAX = 5
LOST_LEASES_MAX = 5  # a job under which so many workers died in a row is what kills them


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
    UNDO = "undo"


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


EVERY_DESTINATION = ConnectionId("")
"""The destination of a source job: whatever the enabled configs of the source name when it runs."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What was asked for; never changes after acceptance.

    A *source job* has EVERY_DESTINATION: it reads its source once for all enabled configs; `data_type` is then the
    first of the types that it was made for. A job of mode `undo` removes what the job `undo_of` wrote.
    """

    user_id: UserId
    source_connection_id: ConnectionId
    destination_connection_id: ConnectionId
    data_type: DataType
    mode: JobMode
    priority: Priority = Priority.MEDIUM
    date_range: DateRange | None = None
    is_dry_run: bool = False
    undo_of: JobId | None = None

    @property
    def is_of_source(self) -> bool:
        """True for a source job."""
        return self.destination_connection_id == EVERY_DESTINATION


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
    `wait_reason` and `failure_reason` are codes of the closed lists in the OpenAPI document. `lost_leases` counts the
    workers that died one after another without getting anything done; `redrive_count` how often an operator has taken
    the job out of the dead letters. `is_cancel_requested` asks the worker that runs the job to stop.
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
    lost_leases: int = 0
    redrive_count: int = 0
    is_cancel_requested: bool = False

    def has_live_lease(self, now_ms: int) -> bool:
        """True while some worker may be running this job."""
        return self.state is JobState.RUNNING and now_ms < self.lease_until_ms
