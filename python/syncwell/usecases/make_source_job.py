"""Makes the one job of a source that is due (design D2): need and job row change together or not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from syncwell.domain.connections import ConnectionStatus, SyncConfig
from syncwell.domain.errors import ConditionFailedError, StoreUnavailableError
from syncwell.domain.job_ids import job_id_for, request_fingerprint
from syncwell.domain.jobs import EVERY_DESTINATION, Job, JobRequest, JobState
from syncwell.domain.need_settlement import after_lost_job
from syncwell.domain.needs import Need
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.ports.job_queue import JobMessage, JobQueue
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.needs import Needs
from syncwell.usecases.accept_job import HINT_DEADLINE_SECONDS, job_class_of
from syncwell.usecases.coalescing_rules import CoalescingRules

ROUTE = "source"
LOOK_AT_RUNNING = timedelta(seconds=5)  # what a worker made due when its job ended is found within this time
ROUNDS_MAX = 20  # rivals are events, runs that commit, and other processes with the same timer

log = structlog.get_logger()


class MakeSourceJob:
    """Called by a timer or a sweep, by any number of processes at once: one of them makes the job."""

    def __init__(
        self,
        *,
        needs: Needs,
        jobs: Jobs,
        accounts: Accounts,
        queue: JobQueue,
        clock: Clock,
        history: History,
        id_key: bytes,
        rules: CoalescingRules,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._needs = needs
        self._jobs = jobs
        self._accounts = accounts
        self._queue = queue
        self._clock = clock
        self._history = history
        self._id_key = id_key
        self._rules = rules
        self._metrics = metrics

    async def run(self, user_id: UserId, connection_id: ConnectionId) -> int | None:
        """Makes the source's job if one is due; returns when to look at it again, None for not before new events.

        Raises:
            StoreUnavailableError: nothing was made.
            OutcomeUnknownError: the answer was lost; look again.
        """
        for _ in range(ROUNDS_MAX):
            need = await self._needs.load(user_id, connection_id)
            now_ms = self._clock.now_ms()
            if need.due_at_ms is None or need.due_at_ms > now_ms:
                return self._next_look(need, now_ms)
            if need.job is not None:
                wanted = await self._looked_after(need, now_ms)
            else:
                job, wanted = await self._next(need, now_ms)
                if job is not None:
                    if not await self._make(need, wanted, job):
                        continue
                    return self._next_look(wanted, now_ms)
            await self._needs.replace(need, wanted)  # refused or not, the next round reads what is there
        return self._clock.now_ms() + self._rules.window_ms

    def _next_look(self, need: Need, now_ms: int) -> int | None:
        """Returns when to look again: while a job runs, soon, for it is the worker that says when the next is due."""
        if need.job is None or need.due_at_ms is None:
            return need.due_at_ms
        soon = min(LOOK_AT_RUNNING, self._rules.window)
        return min(need.due_at_ms, now_ms + soon // timedelta(milliseconds=1))

    async def _looked_after(self, need: Need, now_ms: int) -> Need:
        """Returns the need whose job takes long, or ended without settling it."""
        if need.job is None:
            return need
        job = await self._jobs.load(need.user_id, need.job.job_id, now_ms=now_ms)
        if job is not None and not job.state.is_terminal:
            return need.due_again(now_ms + self._rules.look_after_ms)
        return after_lost_job(need, now_ms=now_ms, window_ms=self._rules.window_ms)

    async def _next(self, need: Need, now_ms: int) -> tuple[Job | None, Need]:
        """Returns the job that is due with the need that has it; no job where nobody could run it."""
        connection = await self._accounts.load_connection(need.user_id, need.connection_id)
        configs = await configs_of_need(self._accounts, need)
        if connection is None or connection.status is ConnectionStatus.REVOKED or not configs:
            return None, need.at_rest()
        if connection.status is not ConnectionStatus.ACTIVE:
            return None, need.due_again(now_ms + self._rules.rest // timedelta(milliseconds=1))
        job = self._job(need, configs[0], now_ms)
        return job, need.with_job(job.job_id, now_ms=now_ms, look_after_ms=self._rules.look_after_ms)

    async def _make(self, need: Need, wanted: Need, job: Job) -> bool:
        """Writes both; returns False where the need has changed meanwhile."""
        try:
            if not await self._needs.replace(need, wanted, [self._jobs.new(job, now_ms=job.created_at_ms)]):
                return False
        except ConditionFailedError:
            # A job of this number exists although the need never counted it: its row outlived the need's.
            await self._needs.replace(need, need.with_job(job.job_id, now_ms=job.created_at_ms, look_after_ms=0))
            return False
        self._history.record(
            Op.OK, "job.accept", user=need.user_id, job=job.job_id, source=need.connection_id, mode=need.mode
        )
        is_quiet = need.last_job_ms is None or job.created_at_ms - need.last_job_ms > 2 * self._rules.window_ms
        self._metrics.count(Metric.COALESCER_JOBS, edge="leading" if is_quiet else "trailing")
        log.info("source_job_made", job_id=job.job_id, events=need.dirty_sequence - need.covered_sequence)
        await self._hint(job)
        return True

    def _job(self, need: Need, config: SyncConfig, now_ms: int) -> Job:
        request = JobRequest(
            user_id=need.user_id,
            source_connection_id=need.connection_id,
            destination_connection_id=EVERY_DESTINATION,
            data_type=config.data_type,
            mode=need.mode,
        )
        return Job(
            # Derived from what is counted, so that whoever makes this job makes the same one.
            job_id=job_id_for(self._id_key, need.user_id, ROUTE, f"{need.connection_id}#{need.job_count + 1}"),
            request=request,
            request_fingerprint=request_fingerprint(request),
            state=JobState.QUEUED,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )

    async def _hint(self, job: Job) -> None:
        """Tells the workers. Failing is harmless: a job that waits too long is found by its due time."""
        request = job.request
        try:
            async with asyncio.timeout(HINT_DEADLINE_SECONDS):
                await self._queue.send([JobMessage(request.user_id, job.job_id, job_class_of(request.mode))])
        except (StoreUnavailableError, TimeoutError):
            log.warning("job_hint_lost", job_id=job.job_id)


async def configs_of_need(accounts: Accounts, need: Need) -> tuple[SyncConfig, ...]:
    """Reads the enabled configs that `need` is about: of its source, and of the types that events named."""
    configs = await accounts.load_configs_of(need.user_id, need.connection_id)
    return tuple(
        each
        for each in configs
        if each.is_enabled
        and each.source_connection_id == need.connection_id
        and (each.data_type in need.data_types or not need.data_types)
    )
