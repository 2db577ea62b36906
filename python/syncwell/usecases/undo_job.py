"""Accepts the wish to undo a job, where the destination can remove what the job wrote."""

from __future__ import annotations

from dataclasses import replace

from syncwell.domain.errors import ConflictError, NotFoundError, UndoUnsupportedError
from syncwell.domain.jobs import Job, JobId, JobMode
from syncwell.domain.records import UserId
from syncwell.domain.resolution import Outcome
from syncwell.ports.clock import Clock
from syncwell.ports.roles import ProviderRegistry
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.jobs import Jobs
from syncwell.usecases.accept_job import Acceptance, AcceptJob
from syncwell.usecases.job_writes import JobWrites

SHOWN_RECORDS_MAX = 20  # of those that stay; the job's decisions list them all


class UndoJob:
    """Makes jobs of mode `undo`; they go through the same worker as any other."""

    def __init__(
        self,
        *,
        accept: AcceptJob,
        jobs: Jobs,
        accounts: Accounts,
        writes: JobWrites,
        registry: ProviderRegistry,
        clock: Clock,
    ) -> None:
        self._accept = accept
        self._jobs = jobs
        self._accounts = accounts
        self._writes = writes
        self._registry = registry
        self._clock = clock

    async def accept(
        self, user_id: UserId, job_id: JobId, *, route: str, idempotency_key: str, correlation_id: str
    ) -> Acceptance:
        """Makes the undoing of a job durable.

        Raises:
            NotFoundError: there is no such job of this user.
            ConflictError: the job has not ended, wrote nothing by its nature, or its connections are not active.
            UndoUnsupportedError: the destination removes nothing; `fields` name what stays.
            StoreUnavailableError: nothing was accepted.
        """
        job = await self._jobs.load(user_id, job_id, now_ms=self._clock.now_ms())
        if job is None:
            raise NotFoundError("there is no such sync job")
        request = job.request
        if not job.state.is_terminal:
            raise ConflictError(f"the job has not ended: {job.state}; cancel it first", state=job.state)
        if request.is_dry_run or request.is_of_source or request.mode is JobMode.UNDO:
            raise ConflictError("only a sync from one connection to another can be undone", mode=request.mode)
        await self._require_removable(job)
        wanted = replace(request, mode=JobMode.UNDO, date_range=None, undo_of=job_id)
        return await self._accept.accept(
            wanted, route=route, idempotency_key=idempotency_key, correlation_id=correlation_id
        )

    async def _require_removable(self, job: Job) -> None:
        destination = await self._accounts.load_connection(job.request.user_id, job.request.destination_connection_id)
        if destination is None:
            raise NotFoundError("the connection that was written to is gone", field="destinationConnectionId")
        capabilities = self._registry.get(destination.provider).capabilities
        if capabilities.can_delete:
            return
        links = await self._writes.links_of(job)
        stay = [link.destination_id for link in links if link.outcome is Outcome.CREATED]
        raise UndoUnsupportedError(
            f"{capabilities.display_name} lets nobody remove records from outside; remove them there by hand",
            provider=destination.provider,
            record_count=str(len(stay)),
            records=",".join(stay[:SHOWN_RECORDS_MAX]),
        )
