"""What the core knows of a record before its payload is fetched.

Times and quantities are integers with a unit suffix because metadata crosses into Rust in columns and is never shown
to people as it is. `title` is the only user text; it never appears in `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NewType

UserId = NewType("UserId", str)
ConnectionId = NewType("ConnectionId", str)
RecordId = NewType("RecordId", str)


class DataType(StrEnum):
    """A kind of health record."""

    WORKOUT = "workout"
    SLEEP_SESSION = "sleep_session"
    STEPS = "steps"
    WEIGHT = "weight"


class Sport(IntEnum):
    """The sports SyncWell tells apart; numbers are those of `syncwell.api.record.v1.Sport`."""

    RUN = 1
    TRAIL_RUN = 2
    TREADMILL_RUN = 3
    WALK = 4
    HIKE = 5
    RIDE = 6
    MTB_RIDE = 7
    GRAVEL_RIDE = 8
    EBIKE_RIDE = 9
    INDOOR_RIDE = 10
    HAND_CYCLE = 11
    SWIM_POOL = 12
    SWIM_OPEN = 13
    SWIM = 14
    ROW = 15
    ROW_INDOOR = 16
    PADDLE = 17
    SURF = 18
    SAIL = 19
    SKI_ALPINE = 20
    SKI_BACKCOUNTRY = 21
    SKI_NORDIC = 22
    SNOWBOARD = 23
    SNOWSHOE = 24
    SKATE = 25
    STRENGTH = 26
    HIIT = 27
    ELLIPTICAL = 28
    STAIRS = 29
    YOGA = 30
    PILATES = 31
    CLIMB = 32
    RACKET = 33
    TEAM = 34
    GOLF = 35
    DANCE = 36
    MARTIAL = 37
    WHEELCHAIR = 38
    MULTISPORT = 39
    OTHER = 40


class EditableField(StrEnum):
    """The fields of a record that people edit and providers let us update."""

    TITLE = "title"
    NOTES = "notes"
    SPORT = "sport"


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """One record as its provider lists it, without samples.

    `version` is opaque and changes whenever the provider's record changes. Optional values are None where the
    provider does not say; they are never guessed.
    """

    record_id: RecordId
    data_type: DataType
    sport: Sport
    start_ms: int
    elapsed_ms: int
    version: str
    moving_ms: int | None = None
    distance_m: float | None = None
    utc_offset_s: int | None = None
    modified_ms: int | None = None
    external_id: str = ""
    device_name: str = ""
    native_type: str = ""
    is_start_hidden: bool = False
    is_manual: bool = False
    title: str = field(default="", repr=False)
    notes: str = field(default="", repr=False)

    @property
    def end_ms(self) -> int:
        """Returns start plus wall time, epoch milliseconds."""
        return self.start_ms + self.elapsed_ms
