"""Sync jobs. `create` is the hot road of the gateway."""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog

from services.gateway.bodies import decode_decision_answers, decode_new_sync_job
from services.gateway.call import Answer, Call, json_answer
from services.gateway.operations import Kind, Operation
from services.gateway.paging import cursor_of, limit_of
from services.gateway.views import explained_job_view, job_view
from syncwell.domain.errors import NotFoundError
from syncwell.domain.jobs import JobId
from syncwell.ports.clock import Clock
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.usecases.accept_job import Acceptance, AcceptJob
from syncwell.usecases.answer_decisions import AnswerDecisions
from syncwell.usecases.cancel_job import CancelJob
from syncwell.usecases.undo_job import UndoJob

CREATE_ROUTE = "createSyncJob"
UNDO_ROUTE = "undoSyncJob"
REPLAYED = (b"idempotent-replayed", b"true")

log = structlog.get_logger()

_JOB_ID = re.compile(r"job_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class JobRoutes:
    """A person's syncs."""

    def __init__(
        self,
        accept_job: AcceptJob,
        jobs: Jobs,
        decisions: Decisions,
        clock: Clock,
        *,
        cancel_job: CancelJob,
        undo_job: UndoJob,
        answer_decisions: AnswerDecisions,
    ) -> None:
        self._accept_job = accept_job
        self._cancel_job = cancel_job
        self._undo_job = undo_job
        self._answer_decisions = answer_decisions
        self._jobs = jobs
        self._decisions = decisions
        self._clock = clock

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        root = "/v1/sync-jobs"
        return (
            Operation("listSyncJobs", "GET", root, Kind.READ, self.list_jobs),
            Operation(CREATE_ROUTE, "POST", root, Kind.ACCEPT, self.create, has_body=True),
            Operation("getSyncJob", "GET", root + "/{jobId}", Kind.READ, self.get),
            Operation("cancelSyncJob", "POST", root + "/{jobId}/cancel", Kind.CHANGE, self.cancel),
            Operation(UNDO_ROUTE, "POST", root + "/{jobId}/undo", Kind.ACCEPT, self.undo),
            Operation("answerDecisions", "POST", root + "/{jobId}/decisions", Kind.CHANGE, self.answer, has_body=True),
        )

    async def create(self, call: Call) -> Answer:
        """Accepts a job; a repetition is answered as the first request was."""
        accepted = await self._accept_job.accept(
            decode_new_sync_job(call.body).to_request(call.user_id),
            route=CREATE_ROUTE,
            idempotency_key=call.idempotency_key,
            correlation_id=call.correlation_id,
        )
        log.debug("job_accepted", job_id=accepted.job.job_id, is_replay=accepted.is_replay)
        return _accepted(accepted)

    async def cancel(self, call: Call) -> Answer:
        """Cancels a job; one that runs stops before its next write."""
        return json_answer(202, job_view(await self._cancel_job.cancel(call.user_id, _job_id_of(call))))

    async def undo(self, call: Call) -> Answer:
        """Accepts a job that removes what another one wrote."""
        accepted = await self._undo_job.accept(
            call.user_id,
            _job_id_of(call),
            route=UNDO_ROUTE,
            idempotency_key=call.idempotency_key,
            correlation_id=call.correlation_id,
        )
        return _accepted(accepted)

    async def answer(self, call: Call) -> Answer:
        """Takes answers to what a job asked."""
        answers = decode_decision_answers(call.body).to_answers()
        done = await self._answer_decisions.answer(
            call.user_id, _job_id_of(call), answers, correlation_id=call.correlation_id
        )
        return json_answer(200, {"answered": done.count, "jobIds": [job.job_id for job in done.follow_ups]})

    async def list_jobs(self, call: Call) -> Answer:
        """Returns a page, newest first."""
        call.refuse_unknown_query("cursor", "limit")
        page = await self._jobs.list_newest(
            call.user_id, now_ms=self._clock.now_ms(), limit=limit_of(call), cursor=cursor_of(call, "cursor")
        )
        listed: dict[str, object] = {"syncJobs": [job_view(each) for each in page.jobs]}
        if page.cursor is not None:
            listed["nextCursor"] = page.cursor
        return json_answer(200, listed)

    async def get(self, call: Call) -> Answer:
        """Returns a job with a page of its decisions."""
        call.refuse_unknown_query("decisionsCursor")
        cursor = cursor_of(call, "decisionsCursor")
        job_id, now_ms = _job_id_of(call), self._clock.now_ms()
        job = await self._jobs.load(call.user_id, job_id, now_ms=now_ms)
        if job is None:
            raise NotFoundError("there is no such sync job")
        page = await self._decisions.load_page(job, now_ms=now_ms, cursor=cursor)
        return json_answer(200, explained_job_view(job, page.decisions, page.cursor))


def _accepted(accepted: Acceptance) -> Answer:
    # The first answer said QUEUED, so every repetition does, however far the job has come.
    body = b'{"jobId":"%b","status":"QUEUED"}' % accepted.job.job_id.encode("ascii")
    return Answer(202, body, headers=(REPLAYED,) if accepted.is_replay else ())


def _job_id_of(call: Call) -> JobId:
    job_id = call.params["jobId"]
    if _JOB_ID.fullmatch(job_id) is None:
        raise NotFoundError("there is no such sync job")
    return JobId(job_id)
