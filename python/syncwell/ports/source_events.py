"""Where news of sources goes; the coalescer stands behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from syncwell.domain.source_events import SourceEvent


class SourceEvents(ABC):
    """Takes news durably."""

    @abstractmethod
    async def accept(self, events: Sequence[SourceEvent]) -> None:
        """Returns when all `events` (at most 1,000) survive power loss.

        Raises:
            UnavailableError: some may not be durable; send all again.
            OutcomeUnknownError: likewise; an event that comes twice costs at most one look.
        """
