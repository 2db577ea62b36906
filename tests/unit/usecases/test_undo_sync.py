"""An undone job leaves nothing of its own behind, touches nothing else, and nothing comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from syncwell.domain.errors import (
    ConflictError,
    NotFoundError,
    ProviderRefusedError,
    ProviderUnavailableError,
    UndoUnsupportedError,
)
from syncwell.domain.jobs import Counts, Job, JobId, JobMode, JobState
from syncwell.domain.records import RecordId
from syncwell.domain.resolution import Outcome, Reason
from syncwell.usecases.job_writes import JobWrites
from syncwell.usecases.undo_job import UndoJob
from tests.unit.fakes.sync_world import HOUR_MS, LAG, USER, SyncWorld, metadata_of

RECORDS = 3


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    world.accounts["b"].can_delete = True
    for n in range(RECORDS):
        start_ms = world.clock.now_ms() - (n + 2) * 6 * HOUR_MS - n * n * 60_000
        world.accounts["a"].add(metadata_of(f"a{n}", start_ms, elapsed_ms=HOUR_MS + n * 780_000))
    return world


async def accept_undo(world: SyncWorld, job: Job, key: str = "undo-1") -> Job:
    undo = UndoJob(
        accept=world.accept_job,
        jobs=world.jobs,
        accounts=world.accounts_rows,
        writes=JobWrites(world.ledger, world.accounts_rows),
        registry=world.registry,
        clock=world.clock,
    )
    accepted = await undo.accept(USER, job.job_id, route="undo", idempotency_key=key, correlation_id="")
    return accepted.job


async def synced(world: SyncWorld) -> Job:
    job = await world.sync()
    world.clock.advance(LAG)
    return job


async def undo(world: SyncWorld, job: Job, key: str = "undo-1") -> Job:
    undoing = await accept_undo(world, job, key)
    await world.run(undoing)
    return await world.stored(undoing)


async def outcomes(world: SyncWorld, job: Job) -> dict[str, tuple[Outcome, Reason]]:
    page = await world.decisions.load_page(await world.stored(job), now_ms=world.clock.now_ms())
    return {one.source_id: (one.outcome, one.reason) for one in page.decisions}


async def test_everything_that_was_written_is_removed_and_stays_away(world: SyncWorld) -> None:
    """The records go, each with its reason, and the next sync re-creates none of them."""
    job = await synced(world)

    done = await undo(world, job)

    assert world.accounts["b"].held == {}
    assert (done.state, done.request.mode, done.counts) == (
        JobState.SUCCEEDED,
        JobMode.UNDO,
        Counts(updated=RECORDS),
    )
    assert set((await outcomes(world, done)).values()) == {(Outcome.UPDATED, Reason.UNDONE)}
    again = await world.sync()
    assert again.counts == Counts(skipped=RECORDS)
    assert {reason for _, reason in (await outcomes(world, again)).values()} == {Reason.TOMBSTONE}
    world.accounts["a"].add(replace(world.accounts["a"].held[RecordId("a0")].metadata, title="New", version="2"))
    assert (await world.sync()).counts == Counts(skipped=RECORDS)
    assert world.accounts["b"].held == {}


async def test_records_that_were_changed_or_are_gone_are_told(world: SyncWorld) -> None:
    """What its owner edited stays; what its owner removed is reported; the rest goes."""
    job = await synced(world)
    edited, removed, _ = list(world.accounts["b"].held)
    held = world.accounts["b"].held[edited]
    held.metadata = replace(held.metadata, title="Mine", version="mine")
    del world.accounts["b"].held[removed]

    done = await undo(world, job)

    assert set(world.accounts["b"].held) == {edited}
    assert sorted((await outcomes(world, done)).values()) == [
        (Outcome.SKIPPED, Reason.ALREADY_GONE),
        (Outcome.SKIPPED, Reason.CHANGED_SINCE),
        (Outcome.UPDATED, Reason.UNDONE),
    ]


async def test_merged_records_are_not_ours_to_remove(world: SyncWorld) -> None:
    """A record that was there before the sync and only linked stays."""
    there = world.accounts["a"].held[RecordId("a0")].metadata
    world.accounts["b"].add(replace(there, record_id=RecordId("b-own")))
    job = await synced(world)
    assert job.counts == Counts(created=RECORDS - 1, merged=1)

    await undo(world, job)

    assert set(world.accounts["b"].held) == {"b-own"}


@pytest.mark.parametrize("point", ["deleted", "find"])
async def test_lost_answer_is_made_good_by_the_next_attempt(world: SyncWorld, point: str) -> None:
    """A provider that fails in the middle costs an attempt; in the end all is removed, counted and buried."""
    job = await synced(world)
    world.accounts["b"].fail[point] = [ProviderUnavailableError("lost", provider="b")]
    undoing = await accept_undo(world, job)

    await world.run(undoing)
    assert (await world.stored(undoing)).state is JobState.QUEUED
    world.clock.advance(timedelta(minutes=6))
    await world.run(undoing)

    stored = await world.stored(undoing)
    assert (stored.state, world.accounts["b"].held) == (JobState.SUCCEEDED, {})
    assert stored.counts.updated + stored.counts.skipped == RECORDS
    assert (await world.sync()).counts == Counts(skipped=RECORDS)


async def test_refused_removal_is_told_for_its_record_alone(world: SyncWorld) -> None:
    """One record that the provider does not remove fails with its reason; the others go."""
    job = await synced(world)
    world.accounts["b"].fail["delete"] = [ProviderRefusedError("shared", provider="b")]

    done = await undo(world, job)

    assert (done.state, done.counts) == (JobState.PARTIALLY_FAILED, Counts(updated=RECORDS - 1, failed=1))
    assert len(world.accounts["b"].held) == 1


async def test_invisible_record_is_waited_for(world: SyncWorld) -> None:
    """A record that the destination does not show yet is not taken for gone."""
    world.accounts["b"].lag = LAG
    job = await world.sync()
    undoing = await accept_undo(world, job)

    await world.run(undoing)
    assert (await world.stored(undoing)).wait_reason == "destination_visibility"
    world.clock.advance(LAG)
    await world.run(undoing)

    assert world.accounts["b"].held == {}


async def test_undoing_twice_removes_nothing_more(world: SyncWorld) -> None:
    """The second undo of a job finds nothing left to do."""
    job = await synced(world)
    await undo(world, job)

    assert (await undo(world, job, "undo-2")).counts == Counts()


async def test_destination_without_removal_refuses_and_names_what_stays(world: SyncWorld) -> None:
    """Where nobody may remove, the wish is refused at once with the records that stay."""
    world.accounts["b"].can_delete = False
    job = await synced(world)

    with pytest.raises(UndoUnsupportedError) as refused:
        await accept_undo(world, job)

    assert refused.value.fields["record_count"] == str(RECORDS)
    assert set(refused.value.fields["records"].split(",")) == set(world.accounts["b"].held)


async def test_only_ended_syncs_can_be_undone(world: SyncWorld) -> None:
    """A waiting job, a dry run, an undo and another user's job are refused."""
    waiting = await world.accept()
    dry = await world.accept(is_dry_run=True)
    await world.run(dry)
    for job in (waiting, dry):
        with pytest.raises(ConflictError):
            await accept_undo(world, job)
    with pytest.raises(NotFoundError):
        await accept_undo(world, replace(waiting, job_id=JobId("job_none")))
    undoing = await undo(world, await synced(world))
    with pytest.raises(ConflictError):
        await accept_undo(world, undoing, "undo-3")
