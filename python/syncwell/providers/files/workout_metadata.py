"""What the core needs to know of a workout that was read whole, as files are."""

from __future__ import annotations

import hashlib

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import DataType, RecordId, RecordMetadata, Sport

_VERSION_LENGTH = 32


def metadata_of(workout: CanonicalWorkout) -> RecordMetadata:
    """Returns the metadata of `workout`; its version is a hash of all that it says.

    `provenance.modified_time` stands beside the version, not in it: a file that was only touched has not changed.

    Raises:
        InvalidInputError: the sport is unspecified or unknown.
    """
    provenance = workout.provenance
    return RecordMetadata(
        record_id=RecordId(provenance.record_id),
        data_type=DataType.WORKOUT,
        sport=_sport(workout),
        start_ms=_epoch_ms(workout.start_time),
        elapsed_ms=workout.elapsed_ms,
        version=_content_hash(workout),
        moving_ms=workout.moving_ms if workout.HasField("moving_ms") else None,
        distance_m=workout.distance_m if workout.HasField("distance_m") else None,
        utc_offset_s=workout.utc_offset_s if workout.HasField("utc_offset_s") else None,
        modified_ms=_epoch_ms(provenance.modified_time) if provenance.HasField("modified_time") else None,
        device_name=provenance.device_name,
        native_type=provenance.native_type,
        is_manual=workout.is_manual,
        title=workout.title,
        notes=workout.notes,
    )


def _sport(workout: CanonicalWorkout) -> Sport:
    try:
        return Sport(workout.sport)
    except ValueError as exc:
        raise InvalidInputError("A workout needs a sport that SyncWell knows.", field="sport") from exc


def _content_hash(workout: CanonicalWorkout) -> str:
    content = CanonicalWorkout()
    content.CopyFrom(workout)
    content.provenance.ClearField("modified_time")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()[:_VERSION_LENGTH]


def _epoch_ms(time: Timestamp) -> int:
    return time.seconds * 1000 + time.nanos // 1_000_000
