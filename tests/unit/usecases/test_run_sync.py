"""One sync, whatever happens: each record lands once, and the job tells the truth."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import (
    OutcomeUnknownError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
    SecretStoreUnavailableError,
    StoreUnavailableError,
)
from syncwell.domain.job_reasons import FailureReason, WaitReason
from syncwell.domain.jobs import ATTEMPTS_MAX, Counts, DateRange, Job, JobState
from syncwell.domain.resolution import Action, Decision, Outcome, Reason, ResolutionRequest
from syncwell.ports.history import Op
from syncwell.usecases.run_sync import Receipt
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_steps import SyncStep
from syncwell.usecases.write_crew import LOST_IN_A_ROW_MAX
from tests.unit.fakes.clock import settle
from tests.unit.fakes.sync_world import HOUR_MS, LAG, USER, FakeCrashPoints, Killed, SyncWorld, metadata_of

DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
RECORDS = 5
PASSED_FOR_EACH_RECORD = (SyncStep.AFTER_PENDING, SyncStep.AFTER_UPLOAD, SyncStep.AFTER_WRITTEN)


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    seed(world, RECORDS)
    return world


def start_of(world: SyncWorld, n: int) -> int:
    """Returns when ride n began: all lie within the cursor's overlap, none a whole hour from another."""
    return world.clock.now_ms() - (n + 2) * 6 * HOUR_MS - n * n * MINUTE_MS


def elapsed_of(n: int) -> int:
    """Returns how long ride n took; no two are alike."""
    return HOUR_MS + n * 13 * MINUTE_MS


def seed(world: SyncWorld, count: int) -> None:
    for n in range(count):
        world.accounts["a"].add(metadata_of(f"a{n}", start_of(world, n), elapsed_ms=elapsed_of(n), title=f"Ride {n}"))


def starts(world: SyncWorld, name: str) -> list[int]:
    return sorted(held.metadata.start_ms for held in world.accounts[name].held.values())


async def outcomes(world: SyncWorld, job: Job) -> dict[str, tuple[Outcome, Reason]]:
    page = await world.decisions.load_page(await world.stored(job), now_ms=world.clock.now_ms())
    return {one.source_id: (one.outcome, one.reason) for one in page.decisions}


async def test_new_records_are_created_once(world: SyncWorld) -> None:
    """Every source record is written, counted and explained; the message is acknowledged and a fact published."""
    job = await world.accept()

    result = await world.run(job)

    assert result.receipt is Receipt.ACKNOWLEDGE
    assert starts(world, "b") == starts(world, "a")
    stored = await world.stored(job)
    assert (stored.state, stored.counts) == (JobState.SUCCEEDED, Counts(created=RECORDS))
    assert set((await outcomes(world, job)).values()) == {(Outcome.CREATED, Reason.NEW_RECORD)}
    assert [event.event_id for event in world.event_log.events] == [f"evt_{job.job_id}_{stored.version}"]
    assert len(world.history.of("record.write", Op.OK)) == RECORDS


async def test_second_sync_writes_nothing(world: SyncWorld) -> None:
    """A further sync writes nothing and does not even read the destination."""
    await world.sync()
    world.accounts["b"].calls.clear()

    job = await world.sync()

    assert job.counts == Counts(skipped=RECORDS)
    assert world.accounts["b"].calls == []
    assert set((await outcomes(world, job)).values()) == {(Outcome.SKIPPED, Reason.KNOWN_LINK_UNCHANGED)}


async def test_redelivered_message_of_a_finished_job_does_nothing(world: SyncWorld) -> None:
    """A message that comes again after the commit is acknowledged without a provider call."""
    job = await world.accept()
    await world.run(job)
    before = [list(account.calls) for account in world.accounts.values()]

    assert (await world.run(job)).receipt is Receipt.ACKNOWLEDGE
    assert [account.calls for account in world.accounts.values()] == before


@pytest.mark.parametrize(
    ("point", "visit"), [*((point, 1) for point in SyncStep), *((point, 3) for point in PASSED_FOR_EACH_RECORD)]
)
async def test_kill_at_any_point_writes_each_record_once(world: SyncWorld, point: SyncStep, visit: int) -> None:
    """A worker killed anywhere is followed by another that finishes the job: none missing, none twice, counts true."""
    job = await world.accept()
    with pytest.raises(BaseException) as killed:  # noqa: PT011 - alone or in a group
        await world.run(job, world.worker("w1", FakeCrashPoints(point, visit)))
    assert isinstance(killed.value, Killed) or killed.group_contains(Killed)
    world.clock.advance(world.limits.lease + LAG)

    result = await world.run(job, world.worker("w2"))

    assert result.receipt is Receipt.ACKNOWLEDGE
    assert starts(world, "b") == starts(world, "a")
    stored = await world.stored(job)
    assert (stored.state, stored.counts) == (JobState.SUCCEEDED, Counts(created=RECORDS))
    assert (await world.sync()).counts == Counts(skipped=RECORDS)


async def kill_after_upload(world: SyncWorld, job: Job) -> None:
    """Leaves one upload that the ledger does not know of."""
    with pytest.raises(BaseException) as killed:  # noqa: PT011 - alone or in a group
        await world.run(job, world.worker("dead", FakeCrashPoints(SyncStep.AFTER_UPLOAD)))
    assert killed.group_contains(Killed)


async def run_while_time_passes(world: SyncWorld, job: Job, *, seconds: int) -> Receipt:
    running = asyncio.ensure_future(world.run(job, world.worker("w2")))
    await world.clock.run_sleepers(timedelta(seconds=1), steps=seconds)
    return (await running).receipt


async def test_lost_upload_is_found_without_waiting() -> None:
    """A write whose confirmation was lost is found by its external id and not repeated."""
    world = SyncWorld()
    await world.connect()
    seed(world, 1)
    job = await world.accept()
    await kill_after_upload(world, job)
    world.clock.advance(world.limits.lease)

    assert (await world.run(job)).receipt is Receipt.ACKNOWLEDGE

    assert world.accounts["b"].calls.count("write") == 1
    assert await outcomes(world, job) == {"a0": (Outcome.CREATED, Reason.RECOVERED_WRITE)}


async def test_upload_that_shows_late_is_waited_for() -> None:
    """A write that may still be hidden is asked about again after the destination's lag, before anything is written."""
    world = SyncWorld()
    await world.connect()
    seed(world, 1)
    world.accounts["b"].lag = world.limits.lease + timedelta(seconds=1)
    job = await world.accept()
    await kill_after_upload(world, job)
    world.clock.advance(world.limits.lease)

    assert await run_while_time_passes(world, job, seconds=8) is Receipt.ACKNOWLEDGE

    assert world.accounts["b"].calls.count("find") == 2
    assert world.accounts["b"].calls.count("write") == 1


async def test_write_that_never_happened_is_repeated() -> None:
    """An announced write that the destination does not have, even after its lag, is done."""
    world = SyncWorld()
    await world.connect()
    seed(world, 1)
    job = await world.accept()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - alone or in a group
        await world.run(job, world.worker("dead", FakeCrashPoints(SyncStep.AFTER_PENDING)))
    world.clock.advance(world.limits.lease + LAG)

    await world.run(job)

    assert world.accounts["b"].calls.count("find") == 1
    assert starts(world, "b") == starts(world, "a")
    assert await outcomes(world, job) == {"a0": (Outcome.CREATED, Reason.NEW_RECORD)}


async def test_announced_write_that_nobody_wants_is_forgotten() -> None:
    """A write that did not happen and is no longer decided leaves no question behind for every later sync."""
    world = SyncWorld()
    await world.connect()
    seed(world, 1)
    job = await world.accept()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - alone or in a group
        await world.run(job, world.worker("dead", FakeCrashPoints(SyncStep.AFTER_PENDING)))
    world.clock.advance(world.limits.lease + LAG)

    def cannot_tell(request: ResolutionRequest) -> tuple[Decision, ...]:
        return tuple(
            Decision(one.record_id, Action.NONE, Outcome.CONFLICTED, Reason.UNSURE_MATCH) for one in request.sources
        )

    await world.run(job, world.worker(resolve=cannot_tell))

    assert (await outcomes(world, job))["a0"][0] is Outcome.CONFLICTED
    assert not [key for key in world.store.items if key.partition.startswith("LINK#")]


async def test_long_lag_gives_the_lease_back() -> None:
    """A wait that is longer than a worker may sit on a lease defers the job, attempt unchanged."""
    world = SyncWorld(SyncLimits(wait_in_place=timedelta(seconds=1)))
    await world.connect()
    seed(world, 1)
    job = await world.accept()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - alone or in a group
        await world.run(job, world.worker("dead", FakeCrashPoints(SyncStep.AFTER_PENDING)))
    world.clock.advance(world.limits.lease)

    result = await world.run(job)

    stored = await world.stored(job)
    assert result.receipt is Receipt.RESEND
    assert (stored.state, stored.attempt, stored.wait_reason) == (
        JobState.QUEUED,
        0,
        WaitReason.DESTINATION_VISIBILITY,
    )
    assert stored.retry_at_ms == world.clock.now_ms() + result.delay // timedelta(milliseconds=1)


async def test_lost_answer_of_a_write_is_asked_about(world: SyncWorld) -> None:
    """An upload whose answer was lost costs an attempt, and the next one finds the record there."""
    world.accounts["b"].fail["written"] = [ProviderUnavailableError("connection lost")]
    job = await world.accept()

    first = await world.run(job)
    waiting = await world.stored(job)
    world.clock.advance(first.delay)
    second = await world.run(job)

    assert (first.receipt, waiting.attempt, waiting.wait_reason) == (Receipt.RESEND, 1, WaitReason.RETRY_AFTER_ERROR)
    assert second.receipt is Receipt.ACKNOWLEDGE
    assert starts(world, "b") == starts(world, "a")
    assert (await world.stored(job)).counts == Counts(created=RECORDS)
    assert len(world.history.of("record.write", Op.INFO)) == 1


async def test_one_lost_answer_does_not_hold_up_the_others(world: SyncWorld) -> None:
    """The other records of the window are written in the same run."""
    world.accounts["b"].fail["written"] = [ProviderUnavailableError("connection lost")]
    job = await world.accept()

    await world.run(job)

    assert starts(world, "b") == starts(world, "a")
    assert (await world.stored(job)).attempt == 1


async def test_destination_that_is_down_is_left_alone() -> None:
    """After some lost answers in a row no further write is begun."""
    world = SyncWorld(SyncLimits(writes_at_once=1))
    await world.connect()
    seed(world, 8)
    world.accounts["b"].fail["write"] = [ProviderUnavailableError("503")] * 8
    job = await world.accept()

    await world.run(job)

    assert world.accounts["b"].calls.count("write") == LOST_IN_A_ROW_MAX
    assert (await world.stored(job)).attempt == 1


async def test_failures_end_after_five_attempts(world: SyncWorld) -> None:
    """A source that stays down is tried five times with growing waits; then the job fails and says why."""
    world.accounts["a"].fail["list"] = [ProviderUnavailableError("503")] * 10
    job = await world.accept()

    for attempt in range(1, ATTEMPTS_MAX + 1):
        result = await world.run(job)
        assert (await world.stored(job)).attempt == attempt
        world.clock.advance(result.delay)

    stored = await world.stored(job)
    assert (stored.state, stored.failure_reason) == (JobState.FAILED, FailureReason.PROVIDER_UNAVAILABLE)
    assert world.accounts["a"].calls.count("list") == ATTEMPTS_MAX
    assert (await world.run(job)).receipt is Receipt.ACKNOWLEDGE


async def test_throttling_is_a_deferral(world: SyncWorld) -> None:
    """A provider that says not now costs no attempt; the job waits at least as long as it asked for, parked if long."""
    world.accounts["a"].fail["list"] = [ProviderThrottledError("429", retry_after=timedelta(minutes=14))]
    job = await world.accept()

    result = await world.run(job)

    stored = await world.stored(job)
    assert (stored.state, stored.attempt, stored.wait_reason) == (JobState.QUEUED, 0, WaitReason.PROVIDER_THROTTLED)
    assert result.receipt is Receipt.ACKNOWLEDGE
    assert result.delay >= timedelta(minutes=14)
    assert (await world.run(job)).receipt is Receipt.ACKNOWLEDGE
    assert (await world.stored(job)).fence == stored.fence


async def test_missing_secrets_are_a_deferral(world: SyncWorld) -> None:
    """While the credentials service is away jobs wait, and no attempt is lost."""
    world.accounts["a"].fail["list"] = [SecretStoreUnavailableError("away")]
    job = await world.accept()

    result = await world.run(job)

    stored = await world.stored(job)
    assert (stored.attempt, stored.wait_reason) == (0, WaitReason.SECRET_STORE_UNAVAILABLE)
    assert result.receipt is Receipt.RESEND


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (ConnectionStatus.NEEDS_REAUTH, FailureReason.REAUTH),
        (ConnectionStatus.REVOKED, FailureReason.CONNECTION_REVOKED),
        (ConnectionStatus.PENDING, FailureReason.CONNECTION_INACTIVE),
    ],
)
async def test_connection_that_is_not_active_at_claim(
    world: SyncWorld, status: ConnectionStatus, reason: FailureReason
) -> None:
    """A connection that changed since acceptance fails the job at once, with no provider call."""
    job = await world.accept()
    await world.connect(name="b", status=status)

    await world.run(job)

    stored = await world.stored(job)
    assert (stored.state, stored.failure_reason) == (JobState.FAILED, reason)
    assert world.sessions.opened == []


async def test_dead_grant_fails_the_job(world: SyncWorld) -> None:
    """A provider that refuses a fresh token fails the job with the reason that the app turns into a button."""
    world.accounts["b"].fail["list"] = [ReauthenticationNeededError("gone")]
    job = await world.sync()

    assert (job.state, job.failure_reason, job.attempt) == (JobState.FAILED, FailureReason.REAUTH, 0)
    assert len(world.event_log.events) == 1


async def test_dry_run_decides_and_writes_nothing(world: SyncWorld) -> None:
    """A dry run stores its decisions; destination, ledger and cursor stay as they were."""
    job = await world.accept(is_dry_run=True)

    await world.run(job)

    stored = await world.stored(job)
    assert (stored.state, stored.counts) == (JobState.SUCCEEDED, Counts(created=RECORDS))
    assert len(await outcomes(world, job)) == RECORDS
    assert world.accounts["b"].held == {}
    assert not [key for key in world.store.items if key.partition.startswith(("LINK#", "REC#"))]
    assert not [key for key in world.store.items if key.sort.startswith("CURSOR#")]
    assert (await world.sync()).counts == Counts(created=RECORDS)


async def test_refused_record_does_not_hold_up_the_others(world: SyncWorld) -> None:
    """A record that the destination refuses for good fails alone; the cursor passes it."""
    world.accounts["b"].fail["write"] = [ProviderRefusedError("no such sport")]
    job = await world.sync()

    assert (job.state, job.counts) == (JobState.PARTIALLY_FAILED, Counts(created=RECORDS - 1, failed=1))
    assert (Outcome.FAILED, Reason.PROVIDER_REFUSED) in (await outcomes(world, job)).values()
    cursor = await world.cursors.load(job.request)
    assert cursor.seen_until_ms == max(starts(world, "a"))
    assert len(world.history.of("record.write", Op.FAIL)) == 1


async def test_cursor_waits_for_a_record_that_may_be_mended(world: SyncWorld) -> None:
    """A payload that cannot be read fails alone, and the next sync looks at it again however old it is."""
    broken_ms = world.clock.now_ms() - 20 * DAY_MS
    world.accounts["a"].add(metadata_of("broken", broken_ms, title="broken"))
    job = await world.sync()
    assert job.counts == Counts(created=RECORDS, failed=1)
    assert (await outcomes(world, job))["broken"] == (Outcome.FAILED, Reason.PROVIDER_INVALID)

    world.accounts["a"].add(metadata_of("broken", broken_ms, title="mended", version="2"))
    world.clock.advance(timedelta(days=20))

    assert (await world.sync()).counts.created == 1
    assert starts(world, "b") == starts(world, "a")


async def test_unclear_answer_to_a_write_is_asked_about_next_time(world: SyncWorld) -> None:
    """A write that was answered with nonsense fails its record; the next sync finds it there and does not repeat it."""
    world.accounts["b"].fail["written"] = [ProviderInvalidAnswerError("HTML")]
    first = await world.sync()
    world.clock.advance(world.limits.lease + LAG)
    second = await world.sync()

    assert first.counts == Counts(created=RECORDS - 1, failed=1)
    assert second.counts == Counts(created=1, skipped=RECORDS - 1)
    assert starts(world, "b") == starts(world, "a")


async def test_source_record_deleted_before_it_is_fetched(world: SyncWorld) -> None:
    """A record that is gone when its payload is fetched is skipped, and says so."""
    world.accounts["a"].gone.add(metadata_of("a2", 0).record_id)
    job = await world.sync()

    assert job.counts == Counts(created=RECORDS - 1, skipped=1)
    assert (await outcomes(world, job))["a2"] == (Outcome.SKIPPED, Reason.SOURCE_DELETED)


async def test_record_whose_times_make_no_sense(world: SyncWorld) -> None:
    """A record without duration is reported as failed and harms nobody."""
    world.accounts["a"].add(metadata_of("zero", world.clock.now_ms() - HOUR_MS, elapsed_ms=0))
    job = await world.sync()

    assert job.counts == Counts(created=RECORDS, failed=1)
    assert (await outcomes(world, job))["zero"] == (Outcome.FAILED, Reason.INVALID_RECORD)


async def test_future_start_does_not_move_the_cursor_past_now(world: SyncWorld) -> None:
    """A clock that runs ahead cannot hide the workouts of the coming hours."""
    world.accounts["a"].add(metadata_of("ahead", world.clock.now_ms() + 5 * HOUR_MS))
    job = await world.sync()

    assert (await world.cursors.load(job.request)).seen_until_ms == world.clock.now_ms()


async def test_record_that_is_there_already_is_linked(world: SyncWorld) -> None:
    """A workout that the destination has already is linked, not written, and stays linked."""
    there = metadata_of("a0", start_of(world, 0), elapsed_ms=elapsed_of(0), title="Ride 0")
    world.accounts["b"].add(replace(there, record_id=metadata_of("native", 0).record_id))

    first, second = await world.sync(), await world.sync()

    assert first.counts == Counts(created=RECORDS - 1, merged=1)
    assert (await outcomes(world, first))["a0"][0] is Outcome.MERGED
    assert second.counts == Counts(skipped=RECORDS)
    assert len(world.accounts["b"].held) == RECORDS


async def test_edited_title_travels(world: SyncWorld) -> None:
    """A title that was edited at the source is carried to the linked record."""
    await world.sync()
    edited = metadata_of(
        "a1",
        start_of(world, 1),
        elapsed_ms=elapsed_of(1),
        title="Evening ride",
        version="2",
        modified_ms=world.clock.now_ms(),
    )
    world.accounts["a"].add(edited)
    world.clock.advance(timedelta(hours=1))

    job, again = await world.sync(), await world.sync()

    assert job.counts == Counts(updated=1, skipped=RECORDS - 1)
    assert "Evening ride" in {held.metadata.title for held in world.accounts["b"].held.values()}
    assert again.counts == Counts(skipped=RECORDS)


async def test_what_was_written_never_comes_back(world: SyncWorld) -> None:
    """Syncing the other way round writes nothing: every record there is an echo."""
    await world.sync()
    world.clock.advance(LAG + timedelta(seconds=1))

    job = await world.sync("b", "a")

    assert set((await outcomes(world, job)).values()) == {(Outcome.SKIPPED, Reason.ECHO)}
    assert len(world.accounts["a"].held) == RECORDS


async def test_triangle_of_accounts_converges(world: SyncWorld) -> None:
    """With every pair of three accounts synced, twice, each account has one copy of each record."""
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "a"), ("c", "b"), ("b", "a")]
    for source, destination in pairs * 2:
        await world.sync(source, destination)
        world.clock.advance(LAG + timedelta(seconds=1))

    assert [len(account.held) for account in world.accounts.values()] == [RECORDS] * 3
    assert [account.calls.count("write") for account in world.accounts.values()] == [0, RECORDS, RECORDS]


async def test_two_jobs_of_one_pair_write_each_record_once(world: SyncWorld) -> None:
    """A second job that meets the writes of the first waits for it, and links what it wrote."""
    world.accounts["b"].gate = asyncio.Event()
    first, second = await world.accept(), await world.accept()
    running = asyncio.ensure_future(world.run(first, world.worker("w1")))
    await settle(50)

    waiting = await world.run(second, world.worker("w2"))
    world.accounts["b"].gate.set()
    await running
    world.clock.advance(waiting.delay)
    await world.run(second, world.worker("w2"))

    assert waiting.receipt is Receipt.RESEND
    assert starts(world, "b") == starts(world, "a")
    assert (await world.stored(first)).counts == Counts(created=RECORDS)
    assert (await world.stored(second)).counts == Counts(skipped=RECORDS)


async def test_paused_worker_writes_nothing_after_its_successor(world: SyncWorld) -> None:
    """A worker that wakes up after its lease has ended stops; the job is its successor's."""
    world.accounts["b"].gate = asyncio.Event()
    job = await world.accept()
    paused = asyncio.ensure_future(world.run(job, world.worker("w1")))
    await settle(50)
    item = world.store.items
    world.clock.advance(world.limits.lease + LAG)  # its heartbeats come too late
    await settle(50)

    assert (await paused).receipt is Receipt.GIVE_BACK
    links = {key: row for key, row in item.items() if key.partition.startswith("LINK#")}
    world.accounts["b"].gate = None
    result = await world.run(job, world.worker("w2"))

    assert result.receipt is Receipt.ACKNOWLEDGE
    assert links
    assert starts(world, "b") == starts(world, "a")
    assert (await world.stored(job)).fence == 2


async def test_long_run_keeps_its_lease(world: SyncWorld) -> None:
    """Heartbeats extend lease and message while a slow call goes on."""
    gate = world.accounts["b"].gate = asyncio.Event()
    beats: list[int] = []

    async def on_beat() -> None:
        beats.append(world.clock.now_ms())

    job = await world.accept()
    running = asyncio.ensure_future(world.worker().run(USER, job.job_id, on_beat=on_beat))
    await world.clock.run_sleepers(world.limits.lease / 3, steps=9)
    other = await world.run(job, world.worker("w2"))
    gate.set()

    assert (await running).receipt is Receipt.ACKNOWLEDGE
    assert other.receipt is Receipt.GIVE_BACK
    assert len(beats) >= 8
    assert (await world.stored(job)).state is JobState.SUCCEEDED


async def test_stopping_worker_hands_its_job_back(world: SyncWorld) -> None:
    """A run that is cancelled releases its lease, and the next worker finishes without waiting for its end."""
    world.accounts["b"].gate = asyncio.Event()
    job = await world.accept()
    running = asyncio.ensure_future(world.run(job, world.worker("w1")))
    await settle(50)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    handed = await world.stored(job)
    world.accounts["b"].gate = None
    world.clock.advance(world.limits.lease + LAG)
    await world.run(job, world.worker("w2"))

    assert (handed.state, handed.attempt, handed.owner) == (JobState.QUEUED, 0, "")
    assert starts(world, "b") == starts(world, "a")


async def test_lost_answer_of_the_commit_is_read_back(world: SyncWorld) -> None:
    """A commit that was done but not answered is a success, published once."""
    job = await world.accept()
    world.accounts["a"].held.clear()
    world.store.fail_next(OutcomeUnknownError("claim"), OutcomeUnknownError("commit"))

    assert (await world.run(job)).receipt is Receipt.ACKNOWLEDGE
    assert (await world.stored(job)).state is JobState.SUCCEEDED
    assert len(world.event_log.events) == 1


async def test_store_that_is_away_leaves_the_job_to_its_lease(world: SyncWorld) -> None:
    """When nothing can be written the run ends without touching the job; it is done after the lease."""
    world.accounts["a"].held.clear()
    job = await world.accept()

    class Away(FakeCrashPoints):
        def reach(self, point: str) -> None:
            if point == SyncStep.BEFORE_COMMIT:
                world.store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await world.run(job, world.worker("w1", Away()))
    assert (await world.stored(job)).state is JobState.RUNNING
    world.clock.advance(world.limits.lease)

    assert (await world.run(job)).receipt is Receipt.ACKNOWLEDGE


async def test_unpublished_fact_stays_in_the_outbox(world: SyncWorld) -> None:
    """A fact that the log does not take waits in the outbox; the sync is a success all the same."""
    world.event_log.error = StoreUnavailableError("down")
    job = await world.sync()

    assert job.state is JobState.SUCCEEDED
    assert [key.sort for key in world.store.items if key.sort.startswith("OUTBOX#")] == [
        f"OUTBOX#evt_{job.job_id}_{job.version}"
    ]


async def test_historical_range_leaves_the_cursor_alone(world: SyncWorld) -> None:
    """A job with a range takes what starts in it, whatever the cursor says, and does not move it."""
    job = await world.accept(date_range=DateRange(start_of(world, 3), start_of(world, 1)))

    await world.run(job)

    assert (await world.stored(job)).counts == Counts(created=2)
    assert (await world.cursors.load(job.request)).seen_until_ms is None


async def test_pages_that_shift_give_each_record_once(world: SyncWorld) -> None:
    """Small pages are read to the end, each record once."""
    world.accounts["a"].page_size = 2

    assert (await world.sync()).counts == Counts(created=RECORDS)
    assert world.accounts["a"].calls.count("list") == 3


async def test_too_many_records_fail_the_job() -> None:
    """A window beyond the memory bound is refused with a reason."""
    world = SyncWorld(SyncLimits(records_max=3))
    await world.connect()
    seed(world, 4)

    job = await world.sync()

    assert (job.state, job.failure_reason) == (JobState.FAILED, FailureReason.TOO_MANY_RECORDS)


async def test_calls_end_before_the_lease_does(world: SyncWorld) -> None:
    """Every session's deadline lies before the end of the lease at its opening."""
    await world.sync()

    lease_ms = world.limits.lease // timedelta(milliseconds=1)
    assert world.sessions.opened
    assert all(one.deadline_ms < world.clock.now_ms() + lease_ms for one in world.sessions.opened)


async def test_bug_is_retried_and_then_named(world: SyncWorld) -> None:
    """An error that nobody foresaw costs attempts, ends in FAILED, and leaves the worker alive."""
    world.accounts["a"].fail["list"] = [ZeroDivisionError()] * ATTEMPTS_MAX
    job = await world.accept()
    with capture_logs() as lines:
        for _ in range(ATTEMPTS_MAX):
            result = await world.run(job)
            world.clock.advance(result.delay)

    stored = await world.stored(job)
    assert (stored.state, stored.failure_reason) == (JobState.FAILED, FailureReason.INTERNAL)
    assert [line["event"] for line in lines] == ["sync_broke"] * ATTEMPTS_MAX


async def test_workout_that_was_uploaded_late_is_news(world: SyncWorld) -> None:
    """Where a source lists by change time, a workout recorded long ago and uploaded now is synced, and stays synced."""
    source = world.accounts["a"]
    source.lists_by_change_time = True
    first = await world.sync()
    world.clock.advance(timedelta(days=10))
    old_ms = world.clock.now_ms() - 90 * DAY_MS
    source.add(metadata_of("old", old_ms), changed_ms=world.clock.now_ms() - HOUR_MS)

    second, third = await world.sync(), await world.sync()

    assert (first.counts.created, second.counts.created) == (RECORDS, 1)
    assert third.counts == Counts(skipped=1)
    assert old_ms in starts(world, "b")


async def test_range_leaves_out_what_was_only_uploaded_in_it(world: SyncWorld) -> None:
    """A job with a range takes what started in it, also where the source lists by change time."""
    source = world.accounts["a"]
    source.lists_by_change_time = True
    source.add(metadata_of("old", world.clock.now_ms() - 90 * DAY_MS), changed_ms=start_of(world, 2))
    job = await world.accept(date_range=DateRange(start_of(world, 3), start_of(world, 1)))

    await world.run(job)

    assert (await world.stored(job)).counts == Counts(created=2)
    assert starts(world, "b") == [start_of(world, 3), start_of(world, 2)]
