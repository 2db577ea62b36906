"""The parts of Strava's answers that SyncWell reads, with the types that Strava documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

# Bounds that real activities keep (ten years, once round the Earth) and that every canonical field can hold.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=315_360_000)]
Metres = Annotated[float, msgspec.Meta(ge=-40_075_000, le=40_075_000)]
OffsetSeconds = Annotated[float, msgspec.Meta(ge=-64_800, le=64_800)]


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A summary or detailed activity; `description`, `calories` and `laps` come with details only."""

    id: int
    name: str | None = None
    sport_type: str | None = None
    type: str | None = None
    start_date: Moment
    start_date_local: str | None = None
    timezone: str | None = None
    utc_offset: OffsetSeconds | None = None
    elapsed_time: Seconds
    moving_time: Seconds | None = None
    distance: Metres | None = None
    total_elevation_gain: Metres | None = None
    trainer: bool | None = None
    manual: bool | None = None
    external_id: str | None = None
    device_name: str | None = None
    average_heartrate: float | None = None
    max_heartrate: float | None = None
    description: str | None = None
    calories: float | None = None
    laps: list[ActivityLap] | None = None

    @property
    def native_type(self) -> str:
        """The sport as Strava names it; old answers have `type` only."""
        return self.sport_type or self.type or ""


class ActivityLap(msgspec.Struct, frozen=True, kw_only=True):
    """A lap of a detailed activity."""

    start_date: Moment
    elapsed_time: Seconds
    distance: Metres | None = None


class NumberStream(msgspec.Struct, frozen=True):
    """A stream of numbers; a sample may be missing."""

    data: list[float | None]


class PlaceStream(msgspec.Struct, frozen=True):
    """A stream of latitude and longitude, degrees."""

    data: list[tuple[float, float] | None]


class Streams(msgspec.Struct, frozen=True):
    """The streams of one activity, by type; what was not measured is absent."""

    time: NumberStream | None = None
    latlng: PlaceStream | None = None
    altitude: NumberStream | None = None
    distance: NumberStream | None = None
    velocity_smooth: NumberStream | None = None
    heartrate: NumberStream | None = None
    cadence: NumberStream | None = None
    watts: NumberStream | None = None
    temp: NumberStream | None = None


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an upload."""

    id: int
    external_id: str | None = None
    error: str | None = None
    status: str | None = None
    activity_id: int | None = None


class Athlete(msgspec.Struct, frozen=True, kw_only=True):
    """Who gave the grant."""

    id: int
    firstname: str | None = None
    lastname: str | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token answer; `athlete` comes with the first one only, `scope` not from every version of the API."""

    access_token: str
    refresh_token: str
    expires_at: int
    athlete: Athlete | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        return "Token(***)"
