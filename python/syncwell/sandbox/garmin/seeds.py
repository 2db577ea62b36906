"""The records that a person's watch uploaded to Garmin, and the person's own edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from syncwell.domain.errors import InvalidInputError
from syncwell.sandbox.garmin.records import GarminActivity
from syncwell.sandbox.track_files import read_track

if TYPE_CHECKING:
    from syncwell.sandbox.garmin.sandbox import GarminSandbox

FIRST_ACTIVITY_ID = 21_000_000_001
Plain = str | int | float | bool | None
OWN_KEYS = frozenset({"userId", "summaryId", "activityId"})


class GarminSeed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One activity.

    With a file (base64) the summary is read from it; `activity` overrides keys of Garmin's summary. Without a file
    `activity` must hold `startTimeInSeconds` and `durationInSeconds`. `uploaded_at` is now where it is missing.
    """

    user_id: str
    file: bytes | None = None
    file_type: Literal["FIT", "TCX", "GPX"] = "FIT"
    uploaded_at: datetime | None = None
    activity: dict[str, Plain] = {}


class GarminEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a person changes in Garmin Connect: keys of the summary."""

    activity: dict[str, Plain]


def seeded(sandbox: GarminSandbox, seed: GarminSeed) -> GarminActivity:
    """Returns the first revision of a seed.

    Raises:
        InvalidInputError: times are missing, or the file is broken.
        NotFoundError: there is no such user.
    """
    person = sandbox.people.get(seed.user_id)
    _refuse_own_keys(seed.activity)
    track = None if seed.file is None else read_track(seed.file, seed.file_type.lower())
    start_s = seed.activity.get("startTimeInSeconds")
    if track is None and not (isinstance(start_s, int) and "durationInSeconds" in seed.activity):
        raise InvalidInputError("a record without a file needs startTimeInSeconds and durationInSeconds")
    if track is not None and not isinstance(start_s, int):
        start = track.start
    else:
        start = datetime.fromtimestamp(int(start_s or 0), tz=UTC)
    return GarminActivity(
        activity_id=sandbox.ids.number("activity", first=FIRST_ACTIVITY_ID),
        user_id=person.user_id,
        uploaded_at=seed.uploaded_at or sandbox.clock.now(),
        start=start,
        track=track,
        file=seed.file,
        file_type=seed.file_type,
        fields=dict(seed.activity),
    )


def edited(activity: GarminActivity, edit: GarminEdit, now: datetime) -> GarminActivity:
    """Returns the next revision, uploaded now, or one second after the last where the clock stands still.

    Raises:
        InvalidInputError: the edit names a key that Garmin owns.
    """
    _refuse_own_keys(edit.activity)
    uploaded_at = max(now, activity.uploaded_at + timedelta(seconds=1))
    fields = activity.fields | edit.activity
    return replace(activity, fields=fields, uploaded_at=uploaded_at, revision=activity.revision + 1)


def _refuse_own_keys(fields: dict[str, Plain]) -> None:
    taken = OWN_KEYS & fields.keys()
    if taken:
        raise InvalidInputError(f"Garmin gives {', '.join(sorted(taken))} itself")
