"""Numbers and times as XML files spell them; None for what makes no sense, so that one bad value costs one value."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

TIME_MS_MIN = 631_152_000_000
"""1990: no consumer device recorded before; 1901 and 1970 are clocks that were never set."""

TIME_MS_MAX = 4_926_000_000_000
"""2126, the end of FIT's time."""

INT32_MAX = 2**31 - 1
UINT32_MAX = 2**32 - 1
UINT16_MAX = 2**16 - 1

_NUMBER_LENGTH_MAX = 100
_TIME_LENGTH_MAX = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UTC_OFFSET_MAX = timedelta(hours=14)
_UTC_OFFSET_STEP_SECONDS = 15 * 60


def parse_number(text: str) -> float | None:
    """Returns a finite number, or None."""
    if len(text) > _NUMBER_LENGTH_MAX:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def parse_scaled(text: str, factor: int, low: int, high: int) -> int | None:
    """Returns the number times `factor` as a whole number from `low` to `high`, or None."""
    value = parse_number(text)
    if value is None:
        return None
    scaled = round(value * factor)
    return scaled if low <= scaled <= high else None


def parse_moment(text: str) -> datetime | None:
    """Returns a moment of ISO 8601, UTC where it names no offset, or None."""
    if len(text) > _TIME_LENGTH_MAX:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_time_ms(text: str) -> int | None:
    """Returns milliseconds since 1970, or None where the time is none, or not between 1990 and 2126."""
    moment = parse_moment(text)
    if moment is None:
        return None
    time_ms = (moment - _EPOCH) // _MILLISECOND
    return time_ms if TIME_MS_MIN <= time_ms <= TIME_MS_MAX else None


def parse_utc_offset_s(text: str) -> int | None:
    """Returns the offset that a time names, seconds east; None where it is UTC, which most files write everywhere."""
    moment = parse_moment(text)
    offset = moment.utcoffset() if moment else None
    if not offset or abs(offset) > _UTC_OFFSET_MAX:
        return None
    seconds = int(offset.total_seconds())
    return seconds if seconds % _UTC_OFFSET_STEP_SECONDS == 0 else None
