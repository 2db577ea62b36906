"""Recordings travel from a folder to Strava and from Garmin into a folder, through the worker's own steps."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.connections import Connection
from syncwell.domain.jobs import Counts, JobState
from syncwell.providers.files.fit_reader import read_fit
from tests.conformance.providers.worlds import seed
from tests.integration.files.bed import BOB, Bed, running

RECORDINGS = Path(__file__).parents[3] / "recordings"
RIDE, WALK = "garmin-edge-820-bike.fit", "garmin-fenix-5-walk.fit"  # both recorded years ago
TOLERANCE_S = 1.0


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    async with running(tmp_path / "files") as opened:
        yield opened


def put(bed: Bed, connection: Connection, name: str) -> CanonicalWorkout:
    """Puts a recording into a connection's folder, as its person does by hand; returns what it holds."""
    content = (RECORDINGS / name).read_bytes()
    (bed.folders.path_of(connection.external_user_id) / name).write_bytes(content)
    return read_fit(content)[0]


def files_of(bed: Bed, connection: Connection) -> list[Path]:
    """Returns what lies in a connection's folder."""
    return sorted(bed.folders.path_of(connection.external_user_id).iterdir())


async def test_recording_in_a_folder_reaches_strava(bed: Bed) -> None:
    """A recording of years ago is at Strava after the next sync, also when an earlier sync saw an empty folder."""
    folder, strava = await bed.connect_folder(), await bed.connect_sandbox(bed.strava)
    assert (await bed.sync(folder, strava)).counts == Counts()
    workout = put(bed, folder, RIDE)

    first, second = await bed.sync(folder, strava), await bed.sync(folder, strava)

    assert (first.state, first.counts) == (JobState.SUCCEEDED, Counts(created=1)), await bed.reasons(first)
    assert second.counts == Counts(skipped=1)
    (activity,) = bed.strava.activities.all()
    start = workout.start_time.ToDatetime(UTC)
    assert abs((activity.start - start).total_seconds()) <= TOLERANCE_S
    assert activity.elapsed_s == pytest.approx(workout.elapsed_ms / 1000, abs=1.5)

    put(bed, folder, WALK)
    assert (await bed.sync(folder, strava)).counts == Counts(created=1, skipped=1)


async def test_garmin_recording_lands_in_the_folder_once(bed: Bed) -> None:
    """What a watch uploads becomes one readable file, and a further sync writes nothing."""
    garmin, folder = await bed.connect_sandbox(bed.garmin), await bed.connect_folder()
    content = (RECORDINGS / RIDE).read_bytes()
    upload = {
        "file": base64.b64encode(content).decode(),
        "uploaded_at": datetime.now(tz=UTC).isoformat(),
        "activity": {"activityName": "Ride"},
    }
    seed(bed.garmin, upload)

    first, second = await bed.sync(garmin, folder), await bed.sync(garmin, folder)

    assert (first.state, first.counts) == (JobState.SUCCEEDED, Counts(created=1)), await bed.reasons(first)
    assert second.counts == Counts(skipped=1)
    (file,) = files_of(bed, folder)
    (original,), (written,) = read_fit(content), read_fit(file.read_bytes())
    assert written.start_time == original.start_time
    assert abs(written.elapsed_ms - original.elapsed_ms) <= TOLERANCE_S * 1000
    assert sum(len(each.points) for each in written.segments) == sum(len(each.points) for each in original.segments)


async def test_recording_that_lies_in_the_folder_is_not_written_again(bed: Bed) -> None:
    """The same recording, put there by hand before, is recognised however old it is."""
    garmin, folder = await bed.connect_sandbox(bed.garmin), await bed.connect_folder()
    put(bed, folder, RIDE)
    upload = {
        "file": base64.b64encode((RECORDINGS / RIDE).read_bytes()).decode(),
        "uploaded_at": datetime.now(tz=UTC).isoformat(),
    }
    seed(bed.garmin, upload)

    job = await bed.sync(garmin, folder)

    assert (job.state, job.counts.created, job.counts.failed) == (JobState.SUCCEEDED, 0, 0), await bed.reasons(job)
    assert [file.name for file in files_of(bed, folder)] == [RIDE]


async def test_folders_of_two_people_never_mix(bed: Bed) -> None:
    """What one person puts into a folder is never synced into a folder of another."""
    anns, hers = await bed.connect_folder(), await bed.connect_folder()
    bobs, his = await bed.connect_folder(BOB), await bed.connect_folder(BOB)
    put(bed, anns, RIDE)
    put(bed, bobs, WALK)

    assert (await bed.sync(anns, hers)).counts == Counts(created=1)
    assert (await bed.sync(bobs, his)).counts == Counts(created=1)

    (ride,), (walk,) = files_of(bed, hers), files_of(bed, his)
    assert read_fit(ride.read_bytes())[0].start_time == read_fit((RECORDINGS / RIDE).read_bytes())[0].start_time
    assert read_fit(walk.read_bytes())[0].start_time == read_fit((RECORDINGS / WALK).read_bytes())[0].start_time


def test_recordings_are_older_than_any_overlap() -> None:
    """The recordings of these tests started long before any window of starts would reach."""
    index = {each["file"]: each["start"] for each in json.loads((RECORDINGS / "index.json").read_text())}
    assert all(index[name] < "2024" for name in (RIDE, WALK))
