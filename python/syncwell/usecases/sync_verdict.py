"""What an error means for a job: wait, try again, or give up (design D6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from syncwell.domain import job_life
from syncwell.domain.errors import (
    ConflictError,
    LimitExceededError,
    NotFoundError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
    SecretStoreUnavailableError,
    UnsupportedPairError,
)
from syncwell.domain.job_reasons import FailureReason, WaitReason
from syncwell.domain.jobs import ATTEMPTS_MAX, Job
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_wait import Wait

_FATAL: dict[type[Exception], FailureReason] = {
    ReauthenticationNeededError: FailureReason.REAUTH,
    NotFoundError: FailureReason.CONNECTION_REVOKED,
    ConflictError: FailureReason.CONNECTION_INACTIVE,
    UnsupportedPairError: FailureReason.UNSUPPORTED_PAIR,
    LimitExceededError: FailureReason.TOO_MANY_RECORDS,
    ProviderRefusedError: FailureReason.PROVIDER_REFUSED,
}
_TRANSIENT: dict[type[Exception], FailureReason] = {
    ProviderUnavailableError: FailureReason.PROVIDER_UNAVAILABLE,
    ProviderInvalidAnswerError: FailureReason.PROVIDER_INVALID,
}

Step = Callable[[Job], Job]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The step that the job takes; `is_bug` marks an error that nobody foresaw: given up, it is a dead letter."""

    step: Step
    is_bug: bool = False


def verdict_on(error: Exception, job: Job, *, now_ms: int, limits: SyncLimits, random: Random) -> Verdict:
    """Returns what becomes of `job` after `error`; `random` spreads the retries."""
    if isinstance(error, ProviderThrottledError):
        jitter = limits.backoff.delay(0, random)
        wait = min(error.retry_after + jitter, limits.defer_max)
        return Verdict(step_of(Wait(now_ms + _milliseconds(wait), WaitReason.PROVIDER_THROTTLED), now_ms=now_ms))
    if isinstance(error, SecretStoreUnavailableError):
        wait = limits.backoff.base + limits.backoff.delay(2, random)
        return Verdict(step_of(Wait(now_ms + _milliseconds(wait), WaitReason.SECRET_STORE_UNAVAILABLE), now_ms=now_ms))
    for kind, reason in _FATAL.items():
        if isinstance(error, kind):
            return Verdict(_giving_up(reason, now_ms))
    for kind, reason in _TRANSIENT.items():
        if isinstance(error, kind):
            return Verdict(_trying_again(reason, job, now_ms=now_ms, limits=limits, random=random))
    again = _trying_again(FailureReason.INTERNAL, job, now_ms=now_ms, limits=limits, random=random)
    return Verdict(again, is_bug=True)


def fatal_reason(error: Exception) -> FailureReason | None:
    """Returns why no further attempt can succeed after `error`; None where one may."""
    return next((reason for kind, reason in _FATAL.items() if isinstance(error, kind)), None)


def step_of(wait: Wait, *, now_ms: int) -> Step:
    """Returns the step of a job that waits without having failed."""
    return lambda job: job_life.deferred(job, now_ms=now_ms, retry_at_ms=wait.until_ms, reason=wait.reason)


def _giving_up(reason: FailureReason, now_ms: int) -> Step:
    return lambda job: job_life.given_up(job, now_ms=now_ms, reason=reason)


def _trying_again(reason: FailureReason, job: Job, *, now_ms: int, limits: SyncLimits, random: Random) -> Step:
    if job.attempt + 1 >= ATTEMPTS_MAX:
        return lambda last: job_life.given_up(last, now_ms=now_ms, reason=reason, is_failure_counted=True)
    retry_at_ms = now_ms + _milliseconds(limits.backoff.delay(job.attempt, random))
    wait = WaitReason.RETRY_AFTER_ERROR
    return lambda last: job_life.failed_once(last, now_ms=now_ms, retry_at_ms=retry_at_ms, reason=wait)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
