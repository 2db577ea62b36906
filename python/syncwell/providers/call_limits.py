"""How a provider counts calls, in words that the budget understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from syncwell.domain.errors import SetupError


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

    @property
    def are_reported(self) -> bool:
        """True when answers carry headers that say how much is used."""
        ...

    def windows_of(self, method: str, path: str) -> tuple[str, ...]:
        """Returns the names of the windows that a call counts in; empty when it is not counted."""
        ...

    def reports(self, headers: Mapping[str, str]) -> tuple[WindowReport, ...]:
        """Returns what headers (names in lower case) tell; odd or missing ones tell nothing."""
        ...


def with_limits(windows: tuple[CallWindow, ...], limits: Mapping[str, int]) -> tuple[CallWindow, ...]:
    """Returns the windows under the limits that settings name.

    Raises:
        SetupError: there is no such window, or a limit is not positive.
    """
    known = {each.name for each in windows}
    for name, limit in limits.items():
        if name not in known:
            raise SetupError(f"there is no call window {name!r}; known are {', '.join(sorted(known))}")
        if limit < 1:
            raise SetupError(f"the limit of the call window {name!r} must be at least 1")
    return tuple(replace(each, limit=limits.get(each.name, each.limit)) for each in windows)
