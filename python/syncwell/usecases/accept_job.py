"""Accepts a sync job: checks it, makes it durable, then hints to the workers that it is there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    UnsupportedPairError,
)
from syncwell.domain.job_ids import job_id_for, request_fingerprint
from syncwell.domain.jobs import Job, JobMode, JobRequest, JobState
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.ports.history import History
from syncwell.ports.job_queue import JobClass, JobMessage, JobQueue
from syncwell.ports.roles import ProviderRegistry
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.jobs import Jobs, same_request
from syncwell.usecases.accept_steps import AcceptStep
from syncwell.usecases.recorded_step import recorded

DATE_RANGE_MAX = timedelta(days=366 * 20)
HINT_DEADLINE_SECONDS = 1.0  # a hint is worth no longer wait; the due index finds the job without it

_CLASS_BY_MODE = {
    JobMode.MANUAL: JobClass.INTERACTIVE,
    JobMode.HISTORICAL: JobClass.BULK,
    JobMode.WEBHOOK: JobClass.NORMAL,
    JobMode.SCHEDULED: JobClass.NORMAL,
    JobMode.UNDO: JobClass.INTERACTIVE,
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The accepted job; `is_replay` is True where an earlier request had made it."""

    job: Job
    is_replay: bool


def job_class_of(mode: JobMode, *, is_redriven: bool = False) -> JobClass:
    """Returns the road of a job; it follows from what made it. Redriven ones never keep people waiting."""
    return JobClass.BULK if is_redriven else _CLASS_BY_MODE[mode]


class AcceptJob:
    """Takes jobs in. One durable write each; the queue is never waited for beyond a moment.

    `id_key` is the installation's secret for job ids: every service that accepts jobs must have the same.
    """

    def __init__(
        self,
        *,
        jobs: Jobs,
        accounts: Accounts,
        registry: ProviderRegistry,
        queue: JobQueue,
        clock: Clock,
        history: History,
        id_key: bytes,
        crash_points: CrashPoints | None = None,
    ) -> None:
        self._jobs = jobs
        self._accounts = accounts
        self._registry = registry
        self._queue = queue
        self._clock = clock
        self._history = history
        self._id_key = id_key
        self._crash_points = crash_points or NoCrashPoints()

    async def accept(
        self, request: JobRequest, *, route: str, idempotency_key: str, correlation_id: str = ""
    ) -> Acceptance:
        """Checks `request` and makes its job durable: when this returns, the job survives a crash.

        The same key, route and user give the same job again.

        Raises:
            InvalidInputError: the request contradicts itself, or asks for what the two providers cannot do.
            NotFoundError: a connection is not there or not the user's.
            ConflictError: a connection is not active.
            IdempotencyKeyReusedError: the key belongs to another request.
            StoreUnavailableError: nothing was accepted.
        """
        _check_request(request)
        job = self._new_job(request, route, idempotency_key, correlation_id)
        # A repetition is answered even after the connections have changed; only new work is checked against them.
        known = await self._jobs.load(request.user_id, job.job_id, now_ms=job.created_at_ms)
        if known is not None:
            return Acceptance(same_request(known, job), is_replay=True)
        await self._check_connections(request)
        self._crash_points.reach(AcceptStep.BEFORE_ACCEPT)
        with recorded(self._history, "job.accept", user=request.user_id, job=job.job_id) as learnt:
            stored, is_replay = await self._jobs.insert(job, now_ms=job.created_at_ms)
            learnt["replay"] = is_replay
        self._crash_points.reach(AcceptStep.AFTER_ACCEPT)
        if not is_replay:
            await self._hint(stored)
            self._crash_points.reach(AcceptStep.AFTER_HINT)
        return Acceptance(stored, is_replay)

    def _new_job(self, request: JobRequest, route: str, idempotency_key: str, correlation_id: str) -> Job:
        now_ms = self._clock.now_ms()
        return Job(
            job_id=job_id_for(self._id_key, request.user_id, route, idempotency_key),
            request=request,
            request_fingerprint=request_fingerprint(request),
            state=JobState.QUEUED,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
            correlation_id=correlation_id,
        )

    async def _check_connections(self, request: JobRequest) -> None:
        source = await self._active(request.user_id, request.source_connection_id, "sourceConnectionId")
        destination = await self._active(request.user_id, request.destination_connection_id, "destinationConnectionId")
        if (source.provider, source.external_user_id) == (destination.provider, destination.external_user_id):
            raise UnsupportedPairError("source and destination are the same account", field="destinationConnectionId")
        reading, writing = self._registry.get(source.provider), self._registry.get(destination.provider)
        if reading.source is None or request.data_type not in reading.capabilities.readable:
            raise UnsupportedPairError(
                f"{source.provider} cannot be read for {request.data_type}", field="sourceConnectionId"
            )
        if writing.destination is None or request.data_type not in writing.capabilities.writable:
            raise UnsupportedPairError(
                f"{destination.provider} cannot be written for {request.data_type}", field="destinationConnectionId"
            )

    async def _active(self, user_id: UserId, connection_id: ConnectionId, field: str) -> Connection:
        connection = await self._accounts.load_connection(user_id, connection_id)
        if connection is None or connection.status is ConnectionStatus.REVOKED:
            raise NotFoundError("there is no such connection", field=field)
        if connection.status is not ConnectionStatus.ACTIVE:
            raise ConflictError(f"the connection is {connection.status}, not active", field=field)
        return connection

    async def _hint(self, job: Job) -> None:
        """Tells the workers. Failing is harmless: a job that waits too long is found by its due time."""
        message = JobMessage(
            user_id=job.request.user_id,
            job_id=job.job_id,
            job_class=job_class_of(job.request.mode),
            trace=job.correlation_id,
        )
        try:
            async with asyncio.timeout(HINT_DEADLINE_SECONDS):
                await self._queue.send([message])
        except (StoreUnavailableError, TimeoutError):
            log.warning("job_hint_lost", job_id=job.job_id)


def _check_request(request: JobRequest) -> None:
    if request.source_connection_id == request.destination_connection_id:
        raise InvalidInputError("source and destination are the same connection", field="destinationConnectionId")
    if (request.undo_of is not None) is not (request.mode is JobMode.UNDO):
        raise InvalidInputError("a job of mode undo names the job that it undoes, and only such a job", field="mode")
    asked = request.date_range
    if (asked is not None) is not (request.mode is JobMode.HISTORICAL):
        raise InvalidInputError("give dateRange with mode historical, and only then", field="dateRange")
    if asked is None:
        return
    if not 0 <= asked.start_ms < asked.end_ms:
        raise InvalidInputError("dateRange must end after it starts", field="dateRange")
    if asked.end_ms - asked.start_ms > DATE_RANGE_MAX // timedelta(milliseconds=1):
        raise InvalidInputError("dateRange is longer than 20 years", field="dateRange")
