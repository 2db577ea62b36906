"""How Strava counts calls: per application, by the quarter hour and the UTC day, overall and without uploads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from syncwell.providers.call_limits import CallWindow, WindowReport, with_limits

QUARTER_HOUR = timedelta(minutes=15)
DAY = timedelta(days=1)

# The published defaults; the headers of the first answer put the application's own in their place.
WINDOWS = (
    CallWindow("overall_quarter_hour", QUARTER_HOUR, 200),
    CallWindow("overall_day", DAY, 2_000),
    CallWindow("read_quarter_hour", QUARTER_HOUR, 100),
    CallWindow("read_day", DAY, 1_000),
)
OVERALL = ("overall_quarter_hour", "overall_day")
READ = ("read_quarter_hour", "read_day")
HEADERS = (
    (OVERALL, "x-ratelimit-limit", "x-ratelimit-usage"),
    (READ, "x-readratelimit-limit", "x-readratelimit-usage"),
)
API_PATH = "/api/v3/"
# Everything else counts as a read, the polls of an upload and PUT included.
UPLOADING = frozenset({("POST", "uploads"), ("POST", "activities")})


@dataclass(frozen=True, slots=True)
class StravaLimits:
    """Implements `CallLimits`."""

    windows: tuple[CallWindow, ...] = WINDOWS
    are_reported: bool = True

    @classmethod
    def agreed(cls, limits: Mapping[str, int]) -> StravaLimits:
        """Returns the counting under the limits that this application has; see `with_limits`."""
        return cls(with_limits(WINDOWS, limits))

    def windows_of(self, method: str, path: str) -> tuple[str, ...]:
        """Token calls are not counted; uploads count overall only."""
        _, found, resource = path.partition(API_PATH)
        if not found:
            return ()
        return OVERALL if (method, resource.strip("/")) in UPLOADING else OVERALL + READ

    def reports(self, headers: Mapping[str, str]) -> tuple[WindowReport, ...]:
        """Reads both pairs of headers; a usage may literally be `,`."""
        found: list[WindowReport] = []
        for names, limit_header, usage_header in HEADERS:
            limits = numbers(headers.get(limit_header, ""))
            usages = numbers(headers.get(usage_header, ""))
            for name, limit, used in zip(names, limits, usages, strict=False):
                if limit is not None and used is not None:
                    found.append(WindowReport(name, used=used, limit=limit))
        return tuple(found)


def numbers(header: str) -> tuple[int | None, ...]:
    """Parses `200,2000`; a part that is no number of sane length is None."""
    parts = (part.strip() for part in header.split(","))
    return tuple(int(part) if part.isascii() and part.isdigit() and len(part) < 10 else None for part in parts)
