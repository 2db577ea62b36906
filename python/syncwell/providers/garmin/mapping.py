"""Garmin's activities as canonical records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Provenance
from syncwell.api.record.v1.record_pb2 import Sport as ProtoSport
from syncwell.domain.records import DataType, RecordId, RecordMetadata
from syncwell.providers.garmin.payloads import Summary
from syncwell.providers.garmin.settings import PROVIDER
from syncwell.providers.garmin.sports import INDOOR, sport_of


def metadata_of(summary: Summary, *, upload_day: int) -> RecordMetadata:
    """Returns what a summary tells. Its duration is timer time; wall time is unknown until the file is read."""
    return RecordMetadata(
        record_id=RecordId(summary.record_id),
        data_type=DataType.WORKOUT,
        sport=sport_of(summary.activity_type or ""),
        start_ms=summary.start_time_in_seconds * 1000,
        elapsed_ms=summary.duration_in_seconds * 1000,
        version=f"{upload_day}.{hash_of(summary)}",
        moving_ms=summary.duration_in_seconds * 1000,
        distance_m=summary.distance_in_meters,
        utc_offset_s=summary.start_time_offset_in_seconds,
        device_name=summary.device_name or "",
        native_type=summary.activity_type or "",
        is_manual=bool(summary.manual),
        title=summary.activity_name or "",
    )


def hash_of(summary: Summary) -> str:
    """Returns a hash of every mapped field of a summary."""
    parts = tuple(getattr(summary, name) for name in summary.__struct_fields__)
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def workout_without_file(record: RecordMetadata) -> CanonicalWorkout:
    """Returns the workout of an activity that was typed in: all that there is stands in its metadata."""
    workout = CanonicalWorkout(elapsed_ms=record.elapsed_ms, moving_ms=record.moving_ms, distance_m=record.distance_m)
    workout.start_time.FromMilliseconds(record.start_ms)
    apply_metadata(workout, record)
    return workout


def workout_of_file(workouts: Sequence[CanonicalWorkout], record: RecordMetadata) -> CanonicalWorkout:
    """Returns the workout of a recording: the one nearest in start, under what the person sees at Garmin.

    Title, sport and offset may have been edited there after the recording; the track and the times are the file's.
    """
    workout = CanonicalWorkout()
    workout.CopyFrom(min(workouts, key=lambda each: abs(each.start_time.ToMilliseconds() - record.start_ms)))
    apply_metadata(workout, record)
    return workout


def apply_metadata(workout: CanonicalWorkout, record: RecordMetadata) -> None:
    """Overrides the workout's descriptive fields with the record's."""
    device_name = record.device_name or workout.provenance.device_name
    workout.provenance.CopyFrom(
        Provenance(
            provider=PROVIDER, record_id=record.record_id, device_name=device_name, native_type=record.native_type
        )
    )
    workout.sport = ProtoSport.ValueType(record.sport)
    workout.title = record.title
    workout.is_manual = record.is_manual
    workout.is_indoor = workout.is_indoor or record.sport in INDOOR
    if record.utc_offset_s is not None:
        workout.utc_offset_s = record.utc_offset_s
