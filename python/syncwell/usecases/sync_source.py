"""Runs a source job: one reading of the source, brought to every destination that a config names (design D2).

How many events are counted is read strongly before the first call to the source. Whatever is counted by then happened
before the reading; whatever comes later is not covered by this job, and makes the next one due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeAlias

from syncwell.domain.connections import SyncConfig
from syncwell.domain.errors import (
    FenceLostError,
    JobCancelledError,
    OutcomeUnknownError,
    StorageFullError,
    StoreUnavailableError,
    SyncWellError,
)
from syncwell.domain.job_reasons import FailureReason
from syncwell.domain.jobs import Job, JobRequest
from syncwell.domain.need_settlement import SourceRun
from syncwell.domain.needs import Need
from syncwell.domain.records import DataType
from syncwell.domain.resolution import Decision
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.roles import Window
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.cursors import Cursors
from syncwell.repositories.needs import Needs
from syncwell.usecases.commit_source import CommitSource, SourceOutcome
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.make_source_job import configs_of_need
from syncwell.usecases.read_records import ReadRecords, SourceReading
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import LoadPair, SyncPair
from syncwell.usecases.sync_steps import SyncStep
from syncwell.usecases.sync_verdict import fatal_reason
from syncwell.usecases.sync_wait import Wait

Bring: TypeAlias = Callable[[JobLease, SyncPair, SourceReading], Awaitable[Wait | Sequence[Decision]]]
"""Brings a reading to one destination: asks, resolves and writes; returns its decisions, or that the job must wait."""

_NOT_THE_CONFIGS = (FenceLostError, JobCancelledError, StoreUnavailableError, StorageFullError, OutcomeUnknownError)


@dataclass(slots=True)
class _Run:
    """What has happened so far."""

    need: Need
    decisions: list[Decision] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    waits: list[Wait] = field(default_factory=list)
    errors: list[SyncWellError] = field(default_factory=list)
    served_count: int = 0
    lag: timedelta = timedelta(0)


class SyncSource:
    """The run of a source job, under the claim that its worker holds."""

    def __init__(
        self,
        *,
        needs: Needs,
        accounts: Accounts,
        cursors: Cursors,
        load_pair: LoadPair,
        reader: ReadRecords,
        commit: CommitSource,
        clock: Clock,
        history: History,
        crash_points: CrashPoints,
        limits: SyncLimits,
    ) -> None:
        self._needs = needs
        self._accounts = accounts
        self._cursors = cursors
        self._load_pair = load_pair
        self._reader = reader
        self._commit = commit
        self._clock = clock
        self._history = history
        self._crash_points = crash_points
        self._limits = limits

    async def run(self, lease: JobLease, bring: Bring) -> Wait | None:
        """Does the work; returns None when it is committed, or that the job must wait.

        One config's trouble does not keep the others from theirs. Trouble that may pass is raised when the others are
        done, so that the job is run again; what was done is found then.

        Raises:
            SyncWellError: what the job must be judged by.
        """
        request = lease.job.request
        run = _Run(await self._needs.load(request.user_id, request.source_connection_id))
        for pairs in (await self._load_pairs(request, run)).values():
            await self._sync_type(lease, pairs, run, bring)
        if run.waits:
            return min(run.waits, key=lambda wait: wait.until_ms)
        failure = _failure_of(run)
        sequence = run.need.dirty_sequence
        outcome = SourceOutcome(
            SourceRun(sequence, frozenset(run.seen), is_whole=failure is None),
            run.decisions,
            lag_ms=run.lag // timedelta(milliseconds=1),
            failure=failure,
        )
        await self._commit.finish(lease, outcome)
        return None

    async def settle_lost(self, job: Job) -> None:
        """Makes another job due, after one that failed for good."""
        await self._commit.settle_lost(job)

    async def _load_pairs(self, request: JobRequest, run: _Run) -> dict[DataType, list[SyncPair]]:
        pairs: defaultdict[DataType, list[SyncPair]] = defaultdict(list)
        for config in await configs_of_need(self._accounts, run.need):
            try:
                pairs[config.data_type].append(await self._load_pair.load_request(_request_for(request, config)))
            except _NOT_THE_CONFIGS:
                raise
            except SyncWellError as exc:
                run.errors.append(exc)
        return pairs

    async def _sync_type(self, lease: JobLease, pairs: Sequence[SyncPair], run: _Run, bring: Bring) -> None:
        """Reads the source once and brings it to each destination."""
        request, sequence = lease.job.request, run.need.dirty_sequence
        self._history.record(
            Op.INVOKE,
            "source.read",
            user=request.user_id,
            source=request.source_connection_id,
            job=lease.job.job_id,
            fence=lease.job.fence,
            sequence=sequence,
        )
        reading = await self._reader.read_source(lease, pairs[0], await self._window(pairs, run.need))
        self._crash_points.reach(SyncStep.AFTER_SOURCE_READ)
        run.seen.update(record.record_id for record in (*reading.records, *reading.invalid))
        run.lag = max(run.lag, self._load_pair.lag_of(pairs[0].source.provider))
        for pair in pairs:
            try:
                brought = await bring(lease, pair, reading)
            except _NOT_THE_CONFIGS:
                raise
            except SyncWellError as exc:
                run.errors.append(exc)
                continue
            if isinstance(brought, Wait):
                run.waits.append(brought)
                continue
            await self._commit.commit_config(lease, pair, reading, brought, sequence)
            run.decisions.extend(brought)
            run.served_count += 1

    async def _window(self, pairs: Sequence[SyncPair], need: Need) -> Window:
        """Returns what any of the pairs must look at, and what events say."""
        windows = [self._reader.window_of(pair, await self._cursors.load(pair.request)) for pair in pairs]
        starts_ms = [window.start_ms for window in windows]
        if need.starts_from_ms is not None:
            starts_ms.append(need.starts_from_ms)
        if any(one.look_count for one in need.expected.values()):
            # A record that was not among the newest may be an old one that was uploaded late.
            starts_ms.append(self._clock.now_ms() - self._limits.first_window // timedelta(milliseconds=1))
        return Window(max(0, min(starts_ms)), max(window.end_ms for window in windows))


def _request_for(request: JobRequest, config: SyncConfig) -> JobRequest:
    return replace(request, destination_connection_id=config.destination_connection_id, data_type=config.data_type)


def _failure_of(run: _Run) -> FailureReason | None:
    """Returns why some configs were not served; raises where the whole job must be judged by that."""
    reason: FailureReason | None = None
    for error in run.errors:
        reason = fatal_reason(error)
        if reason is None or not run.served_count:
            raise error
    return reason
