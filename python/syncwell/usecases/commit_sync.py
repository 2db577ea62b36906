"""Ends a sync with one transaction: result, cursor and fact together; then tells the world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from syncwell.domain import job_life
from syncwell.domain.errors import ConditionFailedError
from syncwell.domain.jobs import Counts, Job, JobState
from syncwell.domain.resolution import Decision, Outcome, Reason
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.history import History, Op
from syncwell.ports.item_store import Write
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.repositories.cursors import Cursor, Cursors
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.job_events import event_of
from syncwell.usecases.job_lease import JobLease
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.read_records import SourceReading
from syncwell.usecases.sync_steps import SyncStep

CONFLICTS_MAX = 5  # runs of one pair that end at the same moment
# A mended record enters a listing by change time anew; until then an old failure need not be listed for ever.
LOOK_AGAIN = timedelta(days=7)
_WORTH_ANOTHER_LOOK = frozenset({Reason.PROVIDER_INVALID})


class CommitSync:
    """Makes the result of a run durable, or nothing of it."""

    def __init__(
        self,
        *,
        decisions: Decisions,
        cursors: Cursors,
        outbox: Outbox,
        publish: PublishOutbox,
        clock: Clock,
        history: History,
        crash_points: CrashPoints,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._decisions = decisions
        self._cursors = cursors
        self._outbox = outbox
        self._publish = publish
        self._clock = clock
        self._history = history
        self._crash_points = crash_points
        self._metrics = metrics

    async def commit(self, lease: JobLease, reading: SourceReading, decisions: Sequence[Decision]) -> Job:
        """Commits the run and publishes it; returns the finished job.

        Raises:
            FenceLostError: the job belongs to another worker now; nothing was committed.
            StoreUnavailableError: nothing was committed.
        """
        await self._decisions.save(lease.job, decisions, now_ms=self._clock.now_ms())
        counts = count(decisions)
        self._crash_points.reach(SyncStep.BEFORE_COMMIT)
        for _ in range(CONFLICTS_MAX - 1):
            try:
                return await self._commit_once(lease, counts, reading, decisions)
            except ConditionFailedError:
                continue  # another run of the pair moved the cursor; it is read anew
        return await self._commit_once(lease, counts, reading, decisions)

    async def _commit_once(
        self, lease: JobLease, counts: Counts, reading: SourceReading, decisions: Sequence[Decision]
    ) -> Job:
        now_ms = self._clock.now_ms()
        request = lease.job.request
        moves: list[Write] = []
        moved_ms: int | None = None
        is_first = False
        if not request.is_dry_run and request.date_range is None:
            seen = await self._cursors.load(request)
            wanted_ms = seen_until_ms(seen, reading, decisions, now_ms=now_ms)
            if wanted_ms is not None and wanted_ms != seen.seen_until_ms:
                moves.append(self._cursors.move(request, seen, wanted_ms))
                moved_ms = wanted_ms
                is_first = seen.seen_until_ms is None
        job = await lease.replace(
            lambda job: job_life.finished(job, now_ms=now_ms, counts=counts),
            lambda job: [self._outbox.entry(event_of(job), now_ms=now_ms), *moves],
        )
        self._history.record(
            Op.OK, "job.commit", user=request.user_id, job=job.job_id, fence=job.fence, state=job.state
        )
        if is_first and job.state is JobState.SUCCEEDED:
            seconds = (now_ms - job.created_at_ms) / 1000
            self._metrics.observe(Metric.FIRST_SYNC_SECONDS, seconds, mode=request.mode)
        if moved_ms is not None:
            self._history.record(
                Op.OK,
                "cursor.move",
                user=request.user_id,
                job=job.job_id,
                fence=job.fence,
                source=request.source_connection_id,
                destination=request.destination_connection_id,
                until_ms=moved_ms,
            )
        self._crash_points.reach(SyncStep.AFTER_COMMIT)
        await self._publish.publish([event_of(job)])
        return job


def count(decisions: Sequence[Decision]) -> Counts:
    """Returns how many records ended in each outcome."""
    ended = [decision.outcome for decision in decisions]
    return Counts(**{outcome.value: ended.count(outcome) for outcome in Outcome})


def seen_until_ms(seen: Cursor, reading: SourceReading, decisions: Sequence[Decision], *, now_ms: int) -> int | None:
    """Returns where the cursor may go, but not past a record that deserves another look.

    That is when the reading began where the source lists by change time, else the newest start. Starts in the future
    do not move it: a wrong clock would hide everything that comes before.
    """
    again = [one.source_id for one in decisions if _is_worth_another_look(one)]
    if reading.began_ms is not None:
        look_again_ms = now_ms - LOOK_AGAIN // timedelta(milliseconds=1)
        return max(seen.seen_until_ms or 0, look_again_ms if again else reading.began_ms)
    starts = {record.record_id: record.start_ms for record in reading.records}
    if not starts:
        return seen.seen_until_ms
    newest_ms = min(max(starts.values()), now_ms)
    missed = [starts[record_id] for record_id in again if record_id in starts]
    if missed:
        return min(newest_ms, min(missed) - 1)
    return newest_ms if seen.seen_until_ms is None else max(newest_ms, seen.seen_until_ms)


def _is_worth_another_look(decision: Decision) -> bool:
    return decision.outcome is Outcome.FAILED and decision.reason in _WORTH_ANOTHER_LOOK
