"""Metadata of workouts that were read whole."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import DataType, Sport
from syncwell.providers.files.workout_metadata import metadata_of
from tests.fixtures.files.fit_files import START_SECONDS, make_run


def test_metadata_says_what_the_workout_says() -> None:
    """Every value that the workout has is carried over in the units of metadata."""
    run = make_run()
    run.title = "Morning run"
    run.start_time.nanos = 250_000_000
    run.provenance.modified_time.seconds = START_SECONDS + 9

    metadata = metadata_of(run)

    assert (metadata.record_id, metadata.data_type, metadata.sport) == ("42", DataType.WORKOUT, Sport.RUN)
    assert (metadata.start_ms, metadata.elapsed_ms, metadata.moving_ms) == (START_SECONDS * 1000 + 250, 60_000, 59_500)
    assert (metadata.distance_m, metadata.utc_offset_s) == (run.distance_m, 7200)
    assert metadata.modified_ms == (START_SECONDS + 9) * 1000
    assert (metadata.device_name, metadata.title) == ("Forerunner 965", "Morning run")


def test_unknown_stays_unknown() -> None:
    """What the workout does not say is None, never zero."""
    bare = CanonicalWorkout(sport=record_pb2.SPORT_YOGA, start_time=Timestamp(seconds=START_SECONDS), elapsed_ms=1)

    metadata = metadata_of(bare)

    assert (metadata.moving_ms, metadata.distance_m, metadata.utc_offset_s, metadata.modified_ms) == (None,) * 4


def test_version_follows_the_content() -> None:
    """Any change of content changes the version; a new modification time alone does not."""
    version = metadata_of(make_run()).version
    touched, renamed, moved = make_run(), make_run(), make_run()
    touched.provenance.modified_time.seconds = START_SECONDS
    renamed.title = "Tempo"
    moved.segments[0].points[3].heart_rate_bpm += 1

    assert metadata_of(touched).version == version
    assert len({version, metadata_of(renamed).version, metadata_of(moved).version}) == 3


def test_workout_without_sport_is_refused() -> None:
    """A sport that nobody set is an error of the caller."""
    with pytest.raises(InvalidInputError):
        metadata_of(CanonicalWorkout())
