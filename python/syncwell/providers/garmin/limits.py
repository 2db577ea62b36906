"""How Garmin counts calls: one application-wide rate; no headers tell it.

Partners report 100 calls a minute; an application that was granted more names its limit in the settings
(`window_limits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from syncwell.providers.call_limits import CallWindow, WindowReport, with_limits

MINUTE = CallWindow("minute", timedelta(minutes=1), 100)
API_PATH = "/wellness-api/"


@dataclass(frozen=True, slots=True)
class GarminLimits:
    """Implements `CallLimits`."""

    windows: tuple[CallWindow, ...] = (MINUTE,)
    are_reported: bool = False

    @classmethod
    def agreed(cls, limits: Mapping[str, int]) -> GarminLimits:
        """Returns the counting under the limits that this application has; see `with_limits`."""
        return cls(with_limits((MINUTE,), limits))

    def windows_of(self, method: str, path: str) -> tuple[str, ...]:  # noqa: ARG002 - reads and the rest count alike
        """Every call of the API counts; token calls do not."""
        return (MINUTE.name,) if API_PATH in path else ()

    def reports(self, headers: Mapping[str, str]) -> tuple[WindowReport, ...]:  # noqa: ARG002 - Garmin tells nothing
        """Returns nothing."""
        return ()
