"""What every writer checks and says of a workout's times."""

from __future__ import annotations

from datetime import UTC, datetime

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import Sport
from syncwell.providers.files.fit_legs import KNOWN_SPORTS
from syncwell.providers.files.xml_values import TIME_MS_MAX, TIME_MS_MIN

_ELAPSED_MS_MAX = 50 * 24 * 3600 * 1000


def start_ms_of(timed: CanonicalWorkout | Lap) -> int:
    """Returns when a workout or lap began, milliseconds since 1970."""
    return timed.start_time.seconds * 1000 + timed.start_time.nanos // 1_000_000


def readable_stem(workout: CanonicalWorkout) -> str:
    """Returns how the name of a workout's file begins, so that people find their way: start and sport."""
    start = datetime.fromtimestamp(workout.start_time.seconds, tz=UTC)
    return f"{start:%Y-%m-%dT%H-%M-%SZ}_{Sport(workout.sport).name.lower()}"


def check_written_times(workout: CanonicalWorkout) -> None:
    """Checks that a reader would believe what is written.

    Raises:
        InvalidInputError: the sport is unspecified, a time is before 1990 or after 2126, or it lasted above 50 days.
    """
    if workout.sport not in KNOWN_SPORTS:
        raise InvalidInputError("A workout without a sport cannot be written. Set its sport.", field="sport")
    if workout.elapsed_ms > _ELAPSED_MS_MAX:
        raise InvalidInputError("A workout above 50 days cannot be written. Split it.", field="elapsed_ms")
    start_ms = start_ms_of(workout)
    offsets = [point.offset_ms for segment in workout.segments for point in segment.points]
    first_ms = start_ms + min(offsets, default=0)
    last_ms = start_ms + max(max(offsets, default=0), workout.elapsed_ms)
    if min(start_ms, first_ms) < TIME_MS_MIN or last_ms > TIME_MS_MAX:
        raise InvalidInputError("Files know times from 1990 to 2126 only. Check the start time.", field="start_time")
