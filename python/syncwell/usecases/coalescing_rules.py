"""The times of coalescing, the same for every process that makes source jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class CoalescingRules:
    """`window` is the time in which a source gets one job.

    A job that is not over after `look_after` is looked at, and again after each: should it have ended without settling
    its need, that is when another becomes due. A source whose owner must connect again is left alone for `rest`.
    """

    window: timedelta = timedelta(seconds=60)
    look_after: timedelta = timedelta(seconds=60)
    rest: timedelta = timedelta(hours=1)

    @property
    def window_ms(self) -> int:
        """Returns the window in milliseconds."""
        return self.window // timedelta(milliseconds=1)

    @property
    def look_after_ms(self) -> int:
        """Returns `look_after` in milliseconds."""
        return self.look_after // timedelta(milliseconds=1)
