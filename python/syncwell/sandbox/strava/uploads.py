"""Uploads: what was sent, and what each poll says about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape

from syncwell.sandbox.strava.activities import Activity

UPLOADS_MAX = 200_000


class Status(StrEnum):
    """The texts of `status`."""

    PROCESSING = "Your activity is still being processed."
    READY = "Your activity is ready."
    FAILED = "There was an error processing your activity."
    DELETED = "The created activity has been deleted."


@dataclass(slots=True, kw_only=True)
class Upload:
    """One upload. `polls_left` delays the telling of what came of it beyond the moment when it is processed."""

    upload_id: int
    user_id: str
    external_id: str | None
    polls_left: int
    processed: asyncio.Event = field(default_factory=asyncio.Event)
    activity: Activity | None = None
    error: str | None = field(default=None)

    def poll(self) -> dict[str, object]:
        """Returns what one poll is told, and brings the end nearer."""
        if self.polls_left > 0 or not self.processed.is_set():
            self.polls_left = max(0, self.polls_left - 1)
            return self.shown(Status.PROCESSING)
        if self.error is not None:
            return self.shown(Status.FAILED, error=self.error)
        if self.activity is None or self.activity.deleted_ms is not None:
            return self.shown(Status.DELETED)
        shown = self.shown(Status.READY, activity_id=self.activity.activity_id)
        return shown | {"external_id": self.external_id}

    def shown(self, status: Status, *, error: str | None = None, activity_id: int | None = None) -> dict[str, object]:
        """Returns the Upload object."""
        return {
            "id": self.upload_id,
            "id_str": str(self.upload_id),
            "external_id": None,
            "error": error,
            "status": str(status),
            "activity_id": activity_id,
        }


def named_with_extension(external_id: str, data_type: str) -> str:
    """Returns the external id as Strava keeps it: with the data type appended."""
    return external_id if external_id.endswith(f".{data_type}") else f"{external_id}.{data_type}"


def duplicate_text(file_name: str, activity: Activity, form: str) -> str:
    """Returns the error of a duplicate in one of the two forms that Strava uses."""
    if form == "html":
        link = f"<a href='/activities/{activity.activity_id}' target='_blank'>{escape(activity.name)}</a>"
        return f"{file_name} duplicate of {link}"
    return f"{file_name} duplicate of activity {activity.activity_id}"
