"""Walking Garmin's uploads day by day.

Garmin's pull takes windows of *upload* time, at most 24 hours. The walk goes from the day of the window's start to its
end or the present moment and gives every record that was uploaded then, however long ago it started.

Days are UTC days, whatever the window: the day of a record's upload is then a fact about the record, not about the
run. It stands at the head of `RecordMetadata.version` (`<day>.<hash>`), where a payload fetch finds it again after any
restart; a record that Garmin sends again gets a newer day and so another version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.roles import Window

DAY_S = 86_400
CURSOR = re.compile(r"([0-9]{1,6})-([0-9]{1,6})-([0-9]{1,7})")
VERSION = re.compile(r"([0-9]{1,6})\.[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk stands: the day to ask for next, the last day, and records of that day already given."""

    day: int
    last_day: int
    offset: int = 0

    @property
    def cursor(self) -> str:
        """The position as text; restart-safe, and meaningless to everybody else."""
        return f"{self.day}-{self.last_day}-{self.offset}"

    def after(self, *, given: int, available: int) -> Position | None:
        """Returns the position after `given` of the day's `available` records; None at the end."""
        if given < available:
            return Position(self.day, self.last_day, given)
        return Position(self.day + 1, self.last_day) if self.day < self.last_day else None


def position_of(cursor: str | None, window: Window, *, now_ms: int) -> Position | None:
    """Returns where to go on, or where to begin; None when the window is empty or in the future.

    The last day is fixed when the walk begins: uploads after that moment belong to the next walk.

    Raises:
        InvalidInputError: the cursor is not one of ours.
    """
    if cursor is None:
        first = max(0, window.start_ms) // 1000 // DAY_S
        last = min(now_ms, max(0, window.end_ms - 1)) // 1000 // DAY_S
        return Position(first, last) if first <= last else None
    found = CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInputError("this is no cursor of a Garmin listing", field="cursor")
    return Position(int(found[1]), int(found[2]), int(found[3]))


def upload_params(day: int, *, now_ms: int) -> dict[str, str]:
    """Returns the query of one day, cut at the present; at least one second long."""
    start_s = day * DAY_S
    end_s = max(start_s + 1, min(start_s + DAY_S, now_ms // 1000 + 1))
    return {"uploadStartTimeInSeconds": str(start_s), "uploadEndTimeInSeconds": str(end_s)}


def day_in(version: str) -> int:
    """Returns the upload day at the head of a version.

    Raises:
        InvalidInputError: the version is not one of ours.
    """
    found = VERSION.fullmatch(version)
    if found is None:
        raise InvalidInputError("this is no version of a Garmin record", field="version")
    return int(found[1])
