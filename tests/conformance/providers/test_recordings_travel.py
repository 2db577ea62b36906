"""Every recording of the repository travels from Garmin to Strava through both adapters and arrives unharmed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from syncwell.domain.records import DataType, RecordId, RecordMetadata
from syncwell.ports.roles import Window
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.strava.settings import strava_settings
from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.strava.sandbox import StravaSandbox
from tests.conformance.providers.worlds import Stage, seed, staged

RECORDINGS = Path(__file__).parents[3] / "recordings"
HOUR_MS = 3_600_000
# Reading a file costs most of the time, and each is read three times here: the long ones travel in `make soak`.
QUICK_POINTS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Recording:
    """What the index says of a recording."""

    file: str
    start: datetime
    elapsed_s: float
    distance_m: float | None
    points: int


def recordings() -> list[Recording]:
    """Returns every recording, the oldest first."""
    found = [
        Recording(
            each["file"], datetime.fromisoformat(each["start"]), each["elapsed_s"], each["distance_m"], each["points"]
        )
        for each in json.loads((RECORDINGS / "index.json").read_text())
    ]
    return sorted(found, key=lambda each: each.start)


def parameters() -> list[ParameterSet]:
    """Returns the recordings as parameters, the long ones marked."""
    return [
        pytest.param(each, id=each.file, marks=() if each.points <= QUICK_POINTS_MAX else pytest.mark.slow)
        for each in recordings()
    ]


@pytest.fixture
async def garmin() -> AsyncIterator[Stage[GarminSandbox]]:
    async with staged(GarminSandbox, garmin_settings(client_id="sandbox-client", client_secret="sandbox-secret")) as it:
        yield it


@pytest.fixture
async def strava() -> AsyncIterator[Stage[StravaSandbox]]:
    async with staged(StravaSandbox, strava_settings(client_id="sandbox-client", client_secret="sandbox-secret")) as it:
        yield it


async def read_one(stage: Stage[GarminSandbox], window: Window) -> RecordMetadata:
    """Returns the only record that was uploaded in the window."""
    source = stage.provider.source
    assert source is not None
    found: list[RecordMetadata] = []
    cursor: str | None = None
    while True:
        page = await source.fetch_metadata(stage.session, DataType.WORKOUT, window, cursor=cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            (record,) = found
            return record


@pytest.mark.parametrize("recording", parameters())
async def test_recording_arrives(
    recording: Recording, garmin: Stage[GarminSandbox], strava: Stage[StravaSandbox]
) -> None:
    """Start, length, distance and the number of points are at Strava what they were in the recording."""
    for stage in (garmin, strava):
        stage.sandbox.clock.freeze(recording.start + timedelta(days=1))
    content = base64.b64encode((RECORDINGS / recording.file).read_bytes()).decode()
    uploaded_at = recording.start + timedelta(hours=20)
    (record_id,) = seed(
        garmin.sandbox,
        {"file": content, "uploaded_at": uploaded_at.isoformat(), "activity": {"activityName": recording.file}},
    )
    start_ms, uploaded_ms = round(recording.start.timestamp() * 1000), round(uploaded_at.timestamp() * 1000)
    record = await read_one(garmin, Window(uploaded_ms - HOUR_MS, uploaded_ms + HOUR_MS))
    assert record.record_id == record_id
    source, destination = garmin.provider.source, strava.provider.destination
    assert source is not None
    assert destination is not None
    (payload,) = [each async for each in source.fetch_payloads(garmin.session, [record])]
    workout = payload[1]
    assert workout is not None

    written = await destination.write(strava.session, workout, external_id="travelled")
    activity = strava.sandbox.activities.get(int(written.record_id))
    assert activity is not None
    assert activity.name == recording.file
    assert abs(activity.start - recording.start) <= timedelta(seconds=1)
    assert activity.elapsed_s == pytest.approx(recording.elapsed_s, abs=1.5)
    if recording.distance_m is not None:
        assert activity.distance_m == pytest.approx(recording.distance_m, abs=1)
    assert sum(len(each.points) for each in workout.segments) == recording.points

    reader = strava.provider.source
    assert reader is not None
    listing = await reader.fetch_metadata(
        strava.session, DataType.WORKOUT, Window(start_ms - HOUR_MS, start_ms + HOUR_MS)
    )
    assert [each.record_id for each in listing.records] == [written.record_id]
    (again,) = [each async for each in reader.fetch_payloads(strava.session, listing.records)]
    assert again[0] == RecordId(written.record_id)
    assert again[1] is not None
    assert again[1].title == recording.file
    assert bool(again[1].segments) == bool(workout.segments)
