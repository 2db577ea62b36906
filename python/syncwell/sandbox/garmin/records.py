"""The activities that people uploaded to Garmin from their watches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from syncwell.domain.errors import LimitExceededError
from syncwell.sandbox.track import Track

RECORDS_MAX = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GarminActivity:
    """One revision of an activity; each edit is sent again with a new upload time.

    `fields` are the keys of Garmin's summary that a seed or an edit set; they win over what the file says.
    """

    activity_id: int
    user_id: str
    uploaded_at: datetime
    start: datetime
    track: Track | None = field(default=None, repr=False)
    file: bytes | None = field(default=None, repr=False)
    file_type: str = "FIT"
    fields: dict[str, object] = field(default_factory=dict, repr=False)
    revision: int = 1
    is_deleted: bool = False


class RecordStore:
    """Every revision of every activity."""

    def __init__(self) -> None:
        self._revisions: dict[int, list[GarminActivity]] = {}

    def add(self, activity: GarminActivity) -> None:
        """Keeps a new activity or a new revision of one.

        Raises:
            LimitExceededError: the sandbox is full.
        """
        if activity.activity_id not in self._revisions and len(self._revisions) >= RECORDS_MAX:
            raise LimitExceededError(f"more than {RECORDS_MAX} activities")
        self._revisions.setdefault(activity.activity_id, []).append(activity)

    def newest(self, activity_id: int) -> GarminActivity | None:
        """Returns the last revision of an activity that is not deleted."""
        revisions = self._revisions.get(activity_id)
        return None if revisions is None or revisions[-1].is_deleted else revisions[-1]

    def send_again(self, user_id: str, start_s: int, end_s: int, now: datetime) -> int:
        """Gives every activity that started in the range a new upload time; returns how many."""
        found = [
            one
            for one in self.all_newest()
            if one.user_id == user_id and not one.is_deleted and start_s <= one.start.timestamp() < end_s
        ]
        for one in found:
            self.add(replace(one, uploaded_at=now))
        return len(found)

    def delete(self, activity_id: int) -> None:
        """Marks an activity as deleted; Garmin tells nobody."""
        revisions = self._revisions[activity_id]
        revisions[-1] = replace(revisions[-1], is_deleted=True)

    def uploaded_between(self, user_id: str, start_s: int, end_s: int, *, with_old: bool) -> list[GarminActivity]:
        """Returns what was uploaded from `start_s` to before `end_s`, in the order of upload."""
        found = [
            revision
            for revisions in self._revisions.values()
            if revisions[-1].user_id == user_id and not revisions[-1].is_deleted
            for revision in (revisions if with_old else revisions[-1:])
            if start_s <= revision.uploaded_at.timestamp() < end_s
        ]
        return sorted(found, key=lambda one: (one.uploaded_at, one.activity_id))

    def all_newest(self) -> list[GarminActivity]:
        """Returns the last revision of every activity, deleted ones too."""
        return [revisions[-1] for revisions in self._revisions.values()]
