"""`SyncService`: who calls, parse, one use case, answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, TypeAlias

import grpc

from services.sync_worker.job_messages import decision_message, job_message, request_of
from syncwell.adapters.grpc.channel import USER_KEY, correlation_id
from syncwell.api.sync.v1 import sync_pb2 as pb
from syncwell.api.sync.v1.sync_pb2_grpc import SyncServiceServicer
from syncwell.domain.errors import InvalidInputError, NotAuthenticatedError, NotFoundError
from syncwell.domain.jobs import Job, JobId
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.runtime.caller_identity import CallerVerifier
from syncwell.usecases.accept_job import AcceptJob

CALLERS = ("gateway", "coalescer", "scheduler", "cli")
ROUTE = "SyncService.SubmitJob"
REQUEST_ID_MAX = 128
PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 100

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]  # Any: gRPC types it by messages; only metadata is read here


class SyncServicer(SyncServiceServicer):
    """Takes jobs in, explains them, follows them; a caller sees its user's jobs only."""

    def __init__(
        self,
        callers: CallerVerifier,
        *,
        accept: AcceptJob,
        jobs: Jobs,
        decisions: Decisions,
        clock: Clock,
        watch_pause: timedelta,
    ) -> None:
        self._callers = callers
        self._accept = accept
        self._jobs = jobs
        self._decisions = decisions
        self._clock = clock
        self._watch_pause = watch_pause

    async def SubmitJob(self, request: pb.SubmitJobRequest, context: Context) -> pb.SubmitJobResponse:
        """Accepts a job."""
        user_id = self._user(context)
        if not 0 < len(request.request_id) <= REQUEST_ID_MAX:
            raise InvalidInputError(f"request_id needs 1 to {REQUEST_ID_MAX} characters", field="request_id")
        accepted = await self._accept.accept(
            request_of(user_id, request.spec),
            route=ROUTE,
            idempotency_key=request.request_id,
            correlation_id=correlation_id.get(),
        )
        return pb.SubmitJobResponse(job=job_message(accepted.job), is_replay=accepted.is_replay)

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        """Returns a job."""
        return pb.GetJobResponse(job=job_message(await self._load(self._user(context), request.job_id)))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        """Returns a page of jobs."""
        if request.page_size > PAGE_SIZE_MAX:
            raise InvalidInputError(f"page_size is at most {PAGE_SIZE_MAX}", field="page_size")
        page = await self._jobs.list_newest(
            self._user(context),
            now_ms=self._clock.now_ms(),
            limit=request.page_size or PAGE_SIZE_DEFAULT,
            cursor=request.page_token or None,
        )
        return pb.ListJobsResponse(jobs=map(job_message, page.jobs), next_page_token=page.cursor or "")

    async def ListDecisions(self, request: pb.ListDecisionsRequest, context: Context) -> pb.ListDecisionsResponse:
        """Returns a page of decisions."""
        job = await self._load(self._user(context), request.job_id)
        page = await self._decisions.load_page(job, now_ms=self._clock.now_ms(), cursor=request.page_token or None)
        return pb.ListDecisionsResponse(
            decisions=map(decision_message, page.decisions), next_page_token=page.cursor or ""
        )

    async def WatchJob(self, request: pb.WatchJobRequest, context: Context) -> AsyncIterator[pb.WatchJobResponse]:
        """Streams a job's changes; the caller's deadline or its going away ends the stream."""
        user_id = self._user(context)
        shown_version = 0
        while True:
            job = await self._load(user_id, request.job_id)
            if job.version != shown_version:
                shown_version = job.version
                yield pb.WatchJobResponse(job=job_message(job))
            if job.state.is_terminal:
                return
            await self._clock.sleep(self._watch_pause)

    def _user(self, context: Context) -> UserId:
        """Returns the user on whose behalf a proven service calls."""
        self._callers.require(context, *CALLERS)
        metadata = dict(context.invocation_metadata() or ())
        user_id = str(metadata.get(USER_KEY, ""))
        if not user_id:
            raise NotAuthenticatedError(f"the call names no user ({USER_KEY})")
        return UserId(user_id)

    async def _load(self, user_id: UserId, job_id: str) -> Job:
        job = await self._jobs.load(user_id, JobId(job_id), now_ms=self._clock.now_ms())
        if job is None:
            raise NotFoundError("there is no such job")
        return job
