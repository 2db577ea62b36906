"""What reading an activity file gives, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.providers.files.file_format import FileFormat


@dataclass(frozen=True, slots=True)
class ActivityReading:
    """The workouts of a file, at least one, in file order.

    `dropped_point_count` counts the points without a usable time, over all workouts.
    """

    file_format: FileFormat
    workouts: tuple[CanonicalWorkout, ...]
    dropped_point_count: int


def timestamp_of(time_ms: int) -> Timestamp:
    """Returns milliseconds since 1970 as protobuf has them."""
    return Timestamp(seconds=time_ms // 1000, nanos=time_ms % 1000 * 1_000_000)


def printable(text: str, length_max: int) -> str:
    """Returns `text` on one line, without what cannot be shown, cut to `length_max`."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())[:length_max].strip()
