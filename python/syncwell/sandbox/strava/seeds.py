"""The records that a person already has at Strava, and the person's own edits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from syncwell.domain.errors import InvalidInputError
from syncwell.sandbox.strava.activities import Activity, Origin
from syncwell.sandbox.strava.sports import SPORT_TYPES, sport_type_of
from syncwell.sandbox.strava.upload_routes import default_name
from syncwell.sandbox.strava.uploads import named_with_extension
from syncwell.sandbox.track import Track
from syncwell.sandbox.track_files import read_track

if TYPE_CHECKING:
    from syncwell.sandbox.strava.sandbox import StravaSandbox


class StravaSeed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One activity to be there from the start.

    With a file (base64) everything is read from it and the other fields override; without one, `start` and
    `elapsed_seconds` are needed. `shift_seconds` moves the start, as a wrong time zone does.
    """

    user_id: str
    file: bytes | None = None
    data_type: str = "fit"
    file_name: str = "activity"
    start: datetime | None = None
    shift_seconds: int = 0
    elapsed_seconds: int | None = None
    moving_seconds: int | None = None
    distance_m: float | None = None
    ascent_m: float | None = None
    calories: float | None = None
    name: str | None = None
    description: str | None = None
    sport_type: str | None = None
    external_id: str | None = None
    device_name: str | None = None
    private: bool = False
    start_hidden: bool = False
    trainer: bool = False
    commute: bool = False
    visible_at: datetime | None = None


class StravaEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a person changes in Strava's app; a missing field stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    sport_type: str | msgspec.UnsetType = msgspec.UNSET
    private: bool | msgspec.UnsetType = msgspec.UNSET
    start_hidden: bool | msgspec.UnsetType = msgspec.UNSET


def seeded(sandbox: StravaSandbox, seed: StravaSeed) -> Activity:
    """Returns the activity of a seed.

    Raises:
        InvalidInputError: times are missing, the file is broken, the sport is unknown.
        NotFoundError: there is no such user.
    """
    person = sandbox.people.get(seed.user_id)
    track = None if seed.file is None else read_track(seed.file, seed.data_type)
    start, elapsed_s = _times(seed, track)
    now_ms = sandbox.clock.now_ms()
    activity = Activity(
        activity_id=sandbox.next_activity_id(),
        user_id=person.user_id,
        origin=Origin.SEED,
        name=seed.name or "",
        sport_type=_sport_type(seed, track),
        start=start,
        elapsed_s=elapsed_s,
        moving_s=int(_first(seed.moving_seconds, None if track is None else track.moving_s, elapsed_s)),
        distance_m=_first(seed.distance_m, None if track is None else track.distance_m, 0.0),
        timezone=person.timezone,
        created_ms=now_ms,
        visible_ms=now_ms if seed.visible_at is None else round(seed.visible_at.timestamp() * 1000),
        description=seed.description,
        ascent_m=_first(seed.ascent_m, None if track is None else track.ascent_m, 0.0),
        calories=_first(seed.calories, None if track is None else track.calories, 0.0),
        external_id=_external_id(seed),
        trainer=seed.trainer,
        commute=seed.commute,
        private=seed.private,
        manual=track is None and seed.external_id is None,
        is_start_hidden=seed.start_hidden,
        device_name=seed.device_name or (None if track is None else track.device_name or None),
        track=track,
        file_digest=None if seed.file is None else sha256(seed.file).hexdigest(),
    )
    activity.name = activity.name or default_name(activity)
    if not activity.manual:
        activity.upload_id = sandbox.ids.number("upload", first=9_100_000_001)
    return activity


def edit(activity: Activity, change: StravaEdit) -> None:
    """Applies a person's own edit.

    Raises:
        InvalidInputError: an unknown sport.
    """
    if change.sport_type is not msgspec.UNSET:
        activity.sport_type = _known_sport(change.sport_type)
    if change.name is not msgspec.UNSET:
        activity.name = change.name
    if change.description is not msgspec.UNSET:
        activity.description = change.description
    if change.private is not msgspec.UNSET:
        activity.private = change.private
    if change.start_hidden is not msgspec.UNSET:
        activity.is_start_hidden = change.start_hidden


def _times(seed: StravaSeed, track: Track | None) -> tuple[datetime, int]:
    start = seed.start or (None if track is None else track.start)
    elapsed_s = int(_first(seed.elapsed_seconds, None if track is None else track.elapsed_s, -1))
    if start is None or start.tzinfo is None or elapsed_s < 0:
        raise InvalidInputError("a record without a file needs `start` with an offset, and `elapsed_seconds`")
    return start.astimezone(UTC) + timedelta(seconds=seed.shift_seconds), elapsed_s


def _sport_type(seed: StravaSeed, track: Track | None) -> str:
    if seed.sport_type is not None:
        return _known_sport(seed.sport_type)
    return "Workout" if track is None else sport_type_of(track.sport, track.sub_sport)


def _known_sport(sport_type: str) -> str:
    if sport_type not in SPORT_TYPES:
        raise InvalidInputError(f"{sport_type!r} is no sport type of Strava")
    return sport_type


def _external_id(seed: StravaSeed) -> str | None:
    if seed.external_id is not None:
        return seed.external_id
    return None if seed.file is None else named_with_extension(seed.file_name, seed.data_type)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
