"""The inbox for activity files: what a person hands over lands in a folder of their own, and is synced from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from syncwell.domain.records import Sport


@dataclass(frozen=True, slots=True)
class FoundWorkout:
    """What a file says of one workout, as far as a person wants to recognise it."""

    sport: Sport
    start_ms: int
    elapsed_ms: int
    distance_m: float | None
    point_count: int


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file that was read to its end. `name` follows from the content: the same file never lies in a folder twice.

    `dropped_point_count` counts the points without a usable time.
    """

    name: str
    content: bytes = field(repr=False)
    workouts: tuple[FoundWorkout, ...]
    dropped_point_count: int


class FileInbox(ABC):
    """Inspects files and puts them into the folders of accounts."""

    @abstractmethod
    async def inspect(self, data: bytes) -> InspectedFile:
        """Reads a FIT, TCX or GPX file to its end; nothing is kept.

        Raises:
            InvalidFileError: it is damaged, too large, of no known format, or holds no workout; the message says which.
        """

    @abstractmethod
    async def keep(self, account: str, file: InspectedFile) -> None:
        """Puts a file into the folder of `account`, durable when this returns; putting it there again changes nothing.

        Raises:
            InvalidInputError: this can be no account.
            ProviderUnavailableError: the folder cannot be written.
        """
