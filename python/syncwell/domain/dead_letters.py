"""Jobs that nothing can run until somebody mends something: what an operator reads of them.

A letter holds ids and the cause, no health data: the error's class and the reason's code, never its text.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncwell.domain.jobs import JobId
from syncwell.domain.records import UserId


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a job was given up: the class of the last error (empty where the process died), a reason code, the step."""

    error: str
    reason: str
    step: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One job in the dead letters; it leaves them by a redrive only."""

    job_id: JobId
    user_id: UserId
    job_class: str
    cause: Cause
    at_ms: int
    attempt_count: int
    lost_lease_count: int
    redrive_count: int = 0
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class RedrivenLetter:
    """What is kept of a letter that was taken out: ids and the cause; `audit_id` names the act."""

    job_id: JobId
    user_id: UserId
    job_class: str
    cause: Cause
    at_ms: int
    redriven_at_ms: int
    audit_id: str
