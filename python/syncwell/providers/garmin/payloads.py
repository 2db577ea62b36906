"""The parts of Garmin's answers that SyncWell reads, with the types that partners have seen."""

from __future__ import annotations

from typing import Annotated

import msgspec

# Bounds that real activities keep and that every canonical field can hold. Time in seconds.
EpochSeconds = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=315_360_000)]
OffsetSeconds = Annotated[int, msgspec.Meta(ge=-64_800, le=64_800)]
Metres = Annotated[float, msgspec.Meta(ge=0, le=40_075_000)]


class Summary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One activity of `activities`."""

    summary_id: str | None = None
    activity_id: int | None = None
    activity_name: str | None = None
    activity_type: str | None = None
    start_time_in_seconds: EpochSeconds
    start_time_offset_in_seconds: OffsetSeconds | None = None
    duration_in_seconds: Seconds
    distance_in_meters: Metres | None = None
    active_kilocalories: float | None = None
    device_name: str | None = None
    manual: bool | None = None

    @property
    def record_id(self) -> str:
        """The activity's id: summaries of other kinds decorate it, files name it bare."""
        return str(self.activity_id) if self.activity_id is not None else self.summary_id or ""


class ActivityFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry of `activityFiles`: where a recording can be fetched, and its kind."""

    summary_id: str | None = None
    activity_id: int | None = None
    file_type: str | None = None
    callback_url: Annotated[str, msgspec.Meta(max_length=4096)] = msgspec.field(name="callbackURL")

    @property
    def record_id(self) -> str:
        """The id of the activity that was recorded."""
        return str(self.activity_id) if self.activity_id is not None else (self.summary_id or "").removesuffix("-file")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token answer; every refresh brings another refresh token."""

    access_token: str
    refresh_token: str
    expires_in: Seconds

    def __repr__(self) -> str:
        return "Token(***)"


class UserId(msgspec.Struct, frozen=True, rename="camel"):
    """Who gave the grant."""

    user_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Permissions(msgspec.Struct, frozen=True):
    """What the person allowed, in the newer of two forms; the older is the bare list."""

    permissions: list[str]
