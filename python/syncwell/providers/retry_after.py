"""The Retry-After header of RFC 9110: seconds or a date, read without trust."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# The longest window that any provider documents is a day; a longer wish is a mistake or an attack.
RETRY_AFTER_MAX = timedelta(days=1)


def retry_after_of(value: str, *, now: datetime) -> timedelta:
    """Returns how long to wait, between zero and a day; zero when absent or unreadable."""
    text = value.strip()
    if not text:
        return timedelta(0)
    if text.isascii() and text.isdigit():
        # Nine digits are thirty years: more would only overflow.
        return min(timedelta(seconds=int(text[:9])), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return timedelta(0)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(timedelta(0), min(moment - now, RETRY_AFTER_MAX))
