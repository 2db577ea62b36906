"""Recordings travel from Garmin to Strava through real processes, once, also through a kill -9."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from syncwell.api.sync.v1 import sync_pb2 as pb
from syncwell.cli.sandboxes import USER as PERSON
from tests.integration.sync_worker.bed import LAG_SECONDS, RECORDINGS, Bed, running

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    async with running(tmp_path, tmp_path / "history") as opened:
        yield opened


async def strava_names(bed: Bed) -> list[str]:
    """Returns the titles of what Strava holds, from its own books."""
    books: dict[str, Any] = await bed.sandboxes.strava.books()
    return sorted(record["name"] for record in books["records"].get(PERSON, []))


async def test_sync_rerun_and_kill(bed: Bed) -> None:
    """Three recordings are planned, written once and not again; two more survive a kill between upload and ledger."""
    await bed.sandboxes.strava.post("/settings", {"refuse_duplicates": False})
    await bed.seed(*RECORDINGS[:3])
    await bed.worker.start()

    plan = await bed.finished(await bed.submit("plan", is_dry_run=True))
    assert plan.state == pb.Job.STATE_SUCCEEDED, plan
    assert (plan.counts.created_count, await strava_names(bed)) == (3, [])

    first = await bed.finished(await bed.submit("first"))
    assert (first.state, first.counts.created_count) == (pb.Job.STATE_SUCCEEDED, 3), first
    assert await strava_names(bed) == sorted(RECORDINGS[:3])
    assert {one.reason for one in await bed.decisions(first)} == {"new_record"}

    await asyncio.sleep(LAG_SECONDS)
    again = await bed.finished(await bed.submit("again"))
    assert (again.counts.skipped_count, again.counts.created_count) == (3, 0), again

    assert await bed.worker.stop() == 0
    await bed.seed(*RECORDINGS[3:])
    await bed.worker.start(SYNCWELL_CRASH_AT="sync_worker.after_upload:1")
    job = await bed.submit("killed")
    assert await bed.worker.ended() == -signal.SIGKILL
    await bed.worker.start()
    recovered = await bed.finished(job)

    assert (recovered.state, recovered.counts.created_count) == (pb.Job.STATE_SUCCEEDED, 2), recovered
    assert "recovered_write" in {one.reason for one in await bed.decisions(recovered)}
    assert await strava_names(bed) == sorted(RECORDINGS)


async def test_service_shows_a_user_its_own_jobs_only(bed: Bed) -> None:
    """Repetitions are told so, lists hold the user's jobs, and strangers find nothing."""
    await bed.worker.start()
    request = pb.SubmitJobRequest(request_id="one", spec=bed.spec(is_dry_run=True))
    first = await bed.stub.SubmitJob(request, metadata=bed.metadata, timeout=10)
    second = await bed.stub.SubmitJob(request, metadata=bed.metadata, timeout=10)
    assert (first.is_replay, second.is_replay, first.job.job_id) == (False, True, second.job.job_id)

    listed = await bed.stub.ListJobs(pb.ListJobsRequest(), metadata=bed.metadata, timeout=10)
    strange = await bed.stub.ListJobs(pb.ListJobsRequest(), metadata=bed.metadata_of("usr_eve"), timeout=10)
    assert [job.job_id for job in listed.jobs] == [first.job.job_id]
    assert list(strange.jobs) == []

    get = pb.GetJobRequest(job_id=first.job.job_id)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await bed.stub.GetJob(get, metadata=bed.metadata_of("usr_eve"), timeout=10)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as unproven:
        await bed.stub.GetJob(get, metadata=(("x-syncwell-user", "usr_robin"),), timeout=10)
    assert unproven.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_stop_in_the_middle_of_a_job_loses_nothing(bed: Bed) -> None:
    """A worker that is asked to stop while it uploads ends in order, and the next one leaves each record once."""
    await bed.sandboxes.strava.post("/settings", {"refuse_duplicates": False})
    await bed.seed(*RECORDINGS[:3])
    await bed.worker.start(SYNCWELL_DRAIN_SECONDS="5.5", SYNCWELL_WRITES_AT_ONCE="1")
    job = await bed.submit("stopped")
    async with asyncio.timeout(30):
        while not await strava_names(bed):
            await asyncio.sleep(0.05)

    assert await bed.worker.stop() == 0
    written_before = len(await strava_names(bed))
    await bed.worker.start()
    finished = await bed.finished(job)

    assert written_before < 3
    assert (finished.state, finished.attempt_count) == (pb.Job.STATE_SUCCEEDED, 0), finished
    assert finished.counts.created_count == 3
    assert await strava_names(bed) == sorted(RECORDINGS[:3])
