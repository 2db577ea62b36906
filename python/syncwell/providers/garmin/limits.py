"""How Garmin counts calls: one application-wide rate, which partners report as 100 a minute; no headers tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from syncwell.providers.call_limits import CallWindow, WindowReport

MINUTE = CallWindow("minute", timedelta(minutes=1), 100)
API_PATH = "/wellness-api/"


@dataclass(frozen=True, slots=True)
class GarminLimits:
    """Implements `CallLimits`."""

    windows: tuple[CallWindow, ...] = (MINUTE,)

    def windows_of(self, method: str, path: str) -> tuple[str, ...]:  # noqa: ARG002 - reads and the rest count alike
        """Every call of the API counts; token calls do not."""
        return (MINUTE.name,) if API_PATH in path else ()

    def reports(self, headers: Mapping[str, str]) -> tuple[WindowReport, ...]:  # noqa: ARG002 - Garmin tells nothing
        """Returns nothing."""
        return ()
