"""Decodes the parts of a FIT file into the few messages that a workout is made of.

The parser underneath trusts its input in places, and a small file can describe a great deal of work. So every error of
the parser becomes an `InvalidFileError` here, and everything that is kept or computed has a bound.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import fitdecode

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files.fit_protocol import ABSOLUTE_SECONDS_MIN, MessageNumber

RECORD_COUNT_MAX = 500_000
"""Five days at one record a second."""

MESSAGE_COUNT_MAX = 20_000
"""Laps, sessions and events of the longest race, many times over."""

FIELD_COUNT_MAX = 12_000_000
"""Fields decoded in one file: 500,000 records of 20 fields; about half a minute of work at worst."""

_MESSAGE_COST = 4
"""A message costs as much as this many fields, however few it has."""

_INVALID_TIME = 0xFFFFFFFF

# What the parser raises on lying content, beside its own tree: it indexes, unpacks and asserts on what the file says.
_PARSER_ERRORS = (
    fitdecode.FitError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class TrackRecord(NamedTuple):
    """One `record` message in canonical units; None where the device did not measure."""

    seconds: int
    latitude_e7: int | None = None
    longitude_e7: int | None = None
    altitude_cm: int | None = None
    distance_cm: int | None = None
    speed_mm_s: int | None = None
    heart_rate_bpm: int | None = None
    cadence_rpm: int | None = None
    power_w: int | None = None
    temperature_c: int | None = None


@dataclass(frozen=True, slots=True)
class FitMessage:
    """One message other than a record: its single-valued profile fields by name.

    `values` are scaled and spelled out, `codes` are the raw integers.
    """

    values: dict[str, int | float | str]
    codes: dict[str, int]

    def number(self, name: str) -> float | None:
        """Returns the scaled number, or None where it is absent or no finite number."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None

    def time(self, name: str) -> int | None:
        """Returns FIT seconds, or None where the field is absent or no absolute time."""
        return absolute_time(self.codes.get(name))

    def text(self, name: str) -> str:
        """Returns the value in words, printable and short; empty where absent."""
        value = str(self.values.get(name, ""))
        return "".join(character for character in value if character.isprintable())[:_TEXT_LENGTH_MAX].strip()


_TEXT_LENGTH_MAX = 100


@dataclass(slots=True)
class FitMessages:
    """What one recording says. `timeless_count` counts the records without an absolute time."""

    by_number: dict[MessageNumber, list[FitMessage]] = field(
        default_factory=lambda: {number: [] for number in MessageNumber}
    )
    records: list[TrackRecord] = field(default_factory=list)
    timeless_count: int = 0

    def first(self, number: MessageNumber) -> FitMessage | None:
        """Returns the first message of a kind, or None."""
        return next(iter(self.by_number[number]), None)


def decode_fit_parts(parts: Sequence[bytes]) -> tuple[FitMessages, ...]:
    """Decodes chained parts; a part without a `file_id` of its own continues the one before.

    Raises:
        InvalidFileError: the content contradicts its own definitions or is beyond the bounds above.
    """
    files: list[FitMessages] = []
    budget = _Budget()
    for part in parts:
        frames = _DecodedPart(budget)
        for frame in _read_frames(part):
            frames.add(frame)
        if files and not frames.messages.by_number[MessageNumber.FILE_ID]:
            _continue(files[-1], frames.messages)
        else:
            files.append(frames.messages)
    return tuple(files)


def absolute_time(value: object) -> int | None:
    """Returns `value` where it is FIT seconds of a calendar time, else None."""
    if isinstance(value, int) and ABSOLUTE_SECONDS_MIN <= value < _INVALID_TIME:
        return value
    return None


def _continue(messages: FitMessages, following: FitMessages) -> None:
    for number, found in following.by_number.items():
        messages.by_number[number].extend(found)
    messages.records.extend(following.records)
    messages.timeless_count += following.timeless_count


def _read_frames(part: bytes) -> Iterator[fitdecode.FitDefinitionMessage | fitdecode.FitDataMessage]:
    reader = fitdecode.FitReader(
        part,
        processor=None,
        check_crc=fitdecode.CrcCheck.DISABLED,  # done already, much faster
        error_handling=fitdecode.ErrorHandling.IGNORE,
    )
    try:
        for frame in reader:
            if isinstance(frame, fitdecode.FitDefinitionMessage | fitdecode.FitDataMessage):
                yield frame
    except _PARSER_ERRORS as exc:
        raise InvalidFileError(
            "The FIT file contradicts its own definitions. Export the activity from the device again."
        ) from exc
    finally:
        reader.close()


@dataclass(slots=True)
class _Budget:
    """What is left to spend on one file, over all its parts."""

    record_count: int = RECORD_COUNT_MAX
    message_count: int = MESSAGE_COUNT_MAX
    field_count: int = FIELD_COUNT_MAX

    def check(self) -> None:
        if min(self.record_count, self.message_count, self.field_count) < 0:
            raise InvalidFileError(
                f"The FIT file holds more than {RECORD_COUNT_MAX:,} records or {MESSAGE_COUNT_MAX:,} laps and events. "
                "Split the recording and try again."
            )


@dataclass(slots=True)
class _DecodedPart:
    """Collects the messages of one part while spending the budget."""

    budget: _Budget
    messages: FitMessages = field(default_factory=FitMessages)

    def add(self, frame: fitdecode.FitDefinitionMessage | fitdecode.FitDataMessage) -> None:
        """Keeps what a workout needs of `frame`.

        Raises:
            InvalidFileError: the budget is spent.
        """
        if isinstance(frame, fitdecode.FitDefinitionMessage):
            self._spend(field_count=_MESSAGE_COST + len(frame.field_defs) + len(frame.dev_field_defs))
            return
        number = frame.global_mesg_num
        self._spend(field_count=_MESSAGE_COST + len(frame.fields))
        if number == MessageNumber.RECORD:
            self._spend(record_count=1)
            self._add_record(frame)
        elif number in _KEPT_NUMBERS:
            self._spend(message_count=1)
            self.messages.by_number[MessageNumber(number)].append(_parse_message(frame))

    def _add_record(self, frame: fitdecode.FitDataMessage) -> None:
        record = _parse_record(frame)
        if record is None:
            self.messages.timeless_count += 1
        else:
            self.messages.records.append(record)

    def _spend(self, *, record_count: int = 0, message_count: int = 0, field_count: int = 0) -> None:
        self.budget.record_count -= record_count
        self.budget.message_count -= message_count
        self.budget.field_count -= field_count
        self.budget.check()


_KEPT_NUMBERS = frozenset(MessageNumber) - {MessageNumber.RECORD}

_KEPT_FIELDS = frozenset(
    {
        "type",
        "manufacturer",
        "product",
        "product_name",
        "timestamp",
        "local_timestamp",
        "event",
        "event_type",
        "sport",
        "sub_sport",
        "start_time",
        "total_elapsed_time",
        "total_timer_time",
        "total_distance",
        "total_calories",
        "total_ascent",
        "avg_heart_rate",
        "max_heart_rate",
    }
)


def _parse_message(frame: fitdecode.FitDataMessage) -> FitMessage:
    values: dict[str, int | float | str] = {}
    codes: dict[str, int] = {}
    for datum in frame.fields:
        if datum.field is None or _is_developer_field(datum):
            continue
        # Sub-fields carry the name of their meaning (garmin_product); the parent's name is the stable one.
        name = datum.parent_field.name if datum.parent_field else datum.name
        if name not in _KEPT_FIELDS:
            continue
        if name not in values and isinstance(datum.value, int | float | str):
            values[name] = datum.value
        if name not in codes and isinstance(datum.raw_value, int):
            codes[name] = datum.raw_value
    return FitMessage(values, codes)


def _parse_record(frame: fitdecode.FitDataMessage) -> TrackRecord | None:
    """Returns the record, or None where it has no absolute time."""
    values: dict[str, float] = {}
    for datum in frame.fields:
        value = datum.value
        if type(value) not in (int, float) or _is_developer_field(datum):
            continue
        values.setdefault(datum.name, value)
    seconds = absolute_time(values.get("timestamp"))
    if seconds is None:
        return None
    altitude = values.get("enhanced_altitude", values.get("altitude"))
    speed = values.get("enhanced_speed", values.get("speed"))
    latitude = _scaled(values.get("position_lat"), _E7_PER_SEMICIRCLE, -90 * 10**7, 90 * 10**7)
    longitude = _scaled(values.get("position_long"), _E7_PER_SEMICIRCLE, -180 * 10**7, 180 * 10**7)
    has_position = latitude is not None and longitude is not None
    return TrackRecord(
        seconds=seconds,
        latitude_e7=latitude if has_position else None,
        longitude_e7=longitude if has_position else None,
        altitude_cm=_scaled(altitude, 100, -_INT32_MAX, _INT32_MAX),
        distance_cm=_scaled(values.get("distance"), 100, 0, _UINT32_MAX),
        speed_mm_s=_scaled(speed, 1000, 0, _UINT32_MAX),
        # A heart that beats 0 times a minute means a strap without contact.
        heart_rate_bpm=_scaled(values.get("heart_rate"), 1, 1, _UINT16_MAX),
        cadence_rpm=_scaled(values.get("cadence"), 1, 0, _UINT16_MAX),
        power_w=_scaled(values.get("power"), 1, 0, _UINT16_MAX),
        temperature_c=_scaled(values.get("temperature"), 1, -_UINT16_MAX, _UINT16_MAX),
    )


_E7_PER_SEMICIRCLE = 180 * 10**7 / 2**31
_UINT16_MAX = 2**16 - 1
_INT32_MAX = 2**31 - 1
_UINT32_MAX = 2**32 - 1


def _scaled(value: float | None, factor: float, low: int, high: int) -> int | None:
    if value is None or not math.isfinite(value):
        return None
    scaled = round(value * factor)
    return scaled if low <= scaled <= high else None


def _is_developer_field(datum: fitdecode.types.FieldData) -> bool:
    return datum.field_def is not None and datum.field_def.is_dev
