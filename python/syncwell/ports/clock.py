"""Time, passed in everywhere so that tests and simulations can move it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta


class Clock(ABC):
    """Tells wall time and lets a task wait."""

    @abstractmethod
    def now_ms(self) -> int:
        """Returns milliseconds since the Unix epoch, UTC."""

    @abstractmethod
    async def sleep(self, duration: timedelta) -> None:
        """Waits for `duration` of this clock's time; returns at once when it is not positive."""

    def now(self) -> datetime:
        """Returns the present moment as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now_ms() / 1000, tz=UTC)
