"""Commits a source job: each config when it is done, the job and its need at the end (design D2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from syncwell.domain import job_life
from syncwell.domain.errors import ConditionFailedError, FenceLostError, LimitExceededError, OutcomeUnknownError
from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import Job, JobState
from syncwell.domain.need_settlement import SourceRun, after_lost_job, settled
from syncwell.domain.needs import Need
from syncwell.domain.resolution import Decision
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.item_store import ItemStore, Write
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.cursors import Cursors
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.needs import Needs
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.coalescing_rules import CoalescingRules
from syncwell.usecases.commit_sync import count, seen_until_ms
from syncwell.usecases.job_events import event_of
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.make_source_job import configs_of_need
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.read_records import SourceReading
from syncwell.usecases.sync_pair import SyncPair, config_id_of
from syncwell.usecases.sync_steps import SyncStep

ROUNDS_MAX = 20  # rivals are events that arrive, and other runs of a pair


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What a source job did. `failure` names why a config could not be served, where one could not."""

    run: SourceRun
    decisions: Sequence[Decision]
    lag_ms: int
    failure: FailureReason | None = None


class CommitSource:
    """Makes the results of a source job durable."""

    def __init__(
        self,
        *,
        items: ItemStore,
        needs: Needs,
        accounts: Accounts,
        decisions: Decisions,
        cursors: Cursors,
        outbox: Outbox,
        publish: PublishOutbox,
        clock: Clock,
        history: History,
        crash_points: CrashPoints,
        rules: CoalescingRules,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._items = items
        self._needs = needs
        self._accounts = accounts
        self._decisions = decisions
        self._cursors = cursors
        self._outbox = outbox
        self._publish = publish
        self._clock = clock
        self._history = history
        self._crash_points = crash_points
        self._rules = rules
        self._metrics = metrics

    async def commit_config(
        self, lease: JobLease, pair: SyncPair, reading: SourceReading, decisions: Sequence[Decision], sequence: int
    ) -> None:
        """Moves the cursor of one config and says which events it has covered, both or neither.

        Raises:
            FenceLostError: the job belongs to another worker now; nothing was committed.
            StoreUnavailableError: nothing was committed.
            OutcomeUnknownError: the answer was lost; the next run finds out.
        """
        request = pair.request
        for _ in range(ROUNDS_MAX):
            need = await self._needs.load(request.user_id, request.source_connection_id)
            covered = need.with_coverage(config_id_of(request), sequence)
            writes: list[Write] = [Jobs.owned(lease.job), self._needs.put(need, covered)]
            seen = await self._cursors.load(request)
            wanted_ms = seen_until_ms(seen, reading, decisions, now_ms=self._clock.now_ms())
            if wanted_ms is not None and wanted_ms != seen.seen_until_ms:
                writes.append(self._cursors.move(request, seen, wanted_ms))
            if await self._commit(lease, writes):
                return
        raise LimitExceededError("too many events of one source at once; the job is run again")

    async def finish(self, lease: JobLease, outcome: SourceOutcome) -> Job:
        """Ends the job, settles its need and publishes; returns the finished job.

        Raises:
            FenceLostError: the job belongs to another worker now; nothing was committed.
            StoreUnavailableError: nothing was committed.
        """
        await self._decisions.save(lease.job, outcome.decisions, now_ms=self._clock.now_ms())
        self._crash_points.reach(SyncStep.BEFORE_COMMIT)
        for _ in range(ROUNDS_MAX):
            try:
                job = await self._finish_once(lease, outcome)
            except ConditionFailedError:
                continue  # an event came meanwhile; the need is read anew
            self._history.record(
                Op.OK, "job.commit", user=job.request.user_id, job=job.job_id, fence=job.fence, state=job.state
            )
            self._crash_points.reach(SyncStep.AFTER_COMMIT)
            await self._publish.publish([event_of(job)])
            return job
        raise LimitExceededError("too many events of one source at once; the job is run again")

    async def settle_lost(self, job: Job) -> None:
        """Makes another job due later, after one that failed for good."""

        def settle(need: Need) -> Need:
            if need.job is None or need.job.job_id != job.job_id:
                return need
            return after_lost_job(need, now_ms=self._clock.now_ms(), window_ms=self._rules.window_ms)

        await self._needs.change(job.request.user_id, job.request.source_connection_id, settle)

    async def _finish_once(self, lease: JobLease, outcome: SourceOutcome) -> Job:
        now_ms = self._clock.now_ms()
        request = lease.job.request
        need = await self._needs.load(request.user_id, request.source_connection_id)
        configs = await configs_of_need(self._accounts, need)
        ended = settled(
            need,
            outcome.run,
            config_ids=[config.config_id for config in configs],
            now_ms=now_ms,
            window_ms=self._rules.window_ms,
            lag_ms=outcome.lag_ms,
        )
        counts = count(outcome.decisions)

        def step(job: Job) -> Job:
            finished = job_life.finished(job, now_ms=now_ms, counts=counts)
            if outcome.failure is None:
                return finished
            return replace(finished, state=JobState.PARTIALLY_FAILED, failure_reason=outcome.failure)

        def also(job: Job) -> list[Write]:
            return [self._outbox.entry(event_of(job), now_ms=now_ms), self._needs.put(need, ended)]

        job = await lease.replace(step, also)
        if outcome.run.is_whole and need.pending_at_ms is not None:
            self._metrics.observe(Metric.COVERAGE_SECONDS, (now_ms - need.pending_at_ms) / 1000)
        return job

    async def _commit(self, lease: JobLease, writes: Sequence[Write]) -> bool:
        try:
            await self._items.transact(writes)
        except ConditionFailedError as exc:
            if 0 in exc.failed:
                raise FenceLostError("the job was changed by somebody else", job_id=lease.job.job_id) from exc
            return False
        except OutcomeUnknownError:
            return False  # read anew: a cursor or a coverage that is there already is written again as it is
        return True
