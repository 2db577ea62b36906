"""How a provider counts calls, in words that the budget understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CallWindow:
    """A fixed window in which the provider grants the application `limit` calls, aligned to the Unix epoch."""

    name: str
    length: timedelta
    limit: int


@dataclass(frozen=True, slots=True)
class WindowReport:
    """What an answer's headers say of a window."""

    name: str
    used: int
    limit: int


class CallLimits(Protocol):
    """The counting rules of one provider; lives in its `limits.py`."""

    @property
    def windows(self) -> tuple[CallWindow, ...]:
        """Every window, with the limits that hold until headers say otherwise."""
        ...

    def windows_of(self, method: str, path: str) -> tuple[str, ...]:
        """Returns the names of the windows that a call counts in; empty when it is not counted."""
        ...

    def reports(self, headers: Mapping[str, str]) -> tuple[WindowReport, ...]:
        """Returns what headers (names in lower case) tell; odd or missing ones tell nothing."""
        ...
