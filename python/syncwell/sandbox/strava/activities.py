"""The activities that the Strava sandbox holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from zoneinfo import ZoneInfo

from syncwell.domain.errors import LimitExceededError
from syncwell.sandbox.strava.measures import Measures, measure
from syncwell.sandbox.strava.sports import family_of
from syncwell.sandbox.track import Track

ACTIVITIES_MAX = 200_000
SAME_START = timedelta(seconds=60)


class Origin(StrEnum):
    """How an activity came in."""

    SEED = "seed"
    UPLOAD = "upload"
    MANUAL = "manual"


@dataclass(slots=True, kw_only=True)
class Activity:
    """One activity; `visible_ms` is when it enters the listing, epoch milliseconds."""

    activity_id: int
    user_id: str
    origin: Origin
    name: str
    sport_type: str
    start: datetime
    elapsed_s: int
    moving_s: int
    distance_m: float
    timezone: str
    created_ms: int
    visible_ms: int
    description: str | None = None
    ascent_m: float = 0.0
    calories: float = 0.0
    external_id: str | None = None
    upload_id: int | None = None
    trainer: bool = False
    commute: bool = False
    private: bool = False
    manual: bool = False
    is_start_hidden: bool = False
    hide_from_home: bool = False
    gear_id: str | None = None
    device_name: str | None = None
    track: Track | None = field(default=None, repr=False)
    measures: Measures = field(init=False, repr=False)
    file_digest: str | None = None
    update_count: int = 0
    deleted_ms: int | None = None

    def __post_init__(self) -> None:
        self.measures = measure(self.track)

    @property
    def zone(self) -> ZoneInfo:
        """Returns the zone in which the activity was done."""
        return ZoneInfo(self.timezone)

    @property
    def shown_start(self) -> datetime:
        """Returns the start that clients see: a hidden one is one second past local midnight."""
        if not self.is_start_hidden:
            return self.start
        local = self.start.astimezone(self.zone)
        return local.replace(hour=0, minute=0, second=1, microsecond=0).astimezone(UTC)

    def overlaps(self, start: datetime, elapsed_s: int) -> bool:
        """Tells whether the other one starts within a minute and shares half of the shorter one's time with this one.

        Strava's rule is unpublished; two short efforts that touch are certainly not one.
        """
        end, other_end = self.start + timedelta(seconds=self.elapsed_s), start + timedelta(seconds=elapsed_s)
        shared = min(end, other_end) - max(self.start, start)
        return abs(self.start - start) <= SAME_START and shared >= timedelta(seconds=min(self.elapsed_s, elapsed_s) / 2)


class ActivityStore:
    """All activities by id."""

    def __init__(self) -> None:
        self._activities: dict[int, Activity] = {}

    def add(self, activity: Activity) -> None:
        """Keeps a new activity.

        Raises:
            LimitExceededError: the sandbox is full.
        """
        if len(self._activities) >= ACTIVITIES_MAX:
            raise LimitExceededError(f"more than {ACTIVITIES_MAX} activities")
        self._activities[activity.activity_id] = activity

    def get(self, activity_id: int) -> Activity | None:
        """Returns an activity that is not deleted."""
        activity = self._activities.get(activity_id)
        return None if activity is None or activity.deleted_ms is not None else activity

    def of_user(self, user_id: str) -> list[Activity]:
        """Returns a person's activities, newest start first; equal starts by falling id."""
        mine = (one for one in self._activities.values() if one.user_id == user_id and one.deleted_ms is None)
        return sorted(mine, key=lambda one: (one.start, one.activity_id), reverse=True)

    def find_duplicate(
        self, user_id: str, start: datetime, elapsed_s: int, sport_type: str, digest: str | None
    ) -> Activity | None:
        """Returns the activity of which an upload would be a duplicate: the same file, or the same time and family."""
        family = family_of(sport_type)
        for one in self.of_user(user_id):
            is_same_file = digest is not None and one.file_digest == digest
            if is_same_file or (family_of(one.sport_type) == family and one.overlaps(start, elapsed_s)):
                return one
        return None

    def all(self) -> Iterable[Activity]:
        """Returns every activity, deleted ones too."""
        return self._activities.values()


def zone_label(activity: Activity) -> str:
    """Returns Strava's zone text, whose GMT part is the standard offset all year."""
    offset = _standard_offset(activity.start, activity.zone)
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"(GMT{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}) {activity.timezone}"


def _standard_offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    local = moment.astimezone(zone)
    return (local.utcoffset() or timedelta()) - (local.dst() or timedelta())


def local_wall_time(moment: datetime, zone: ZoneInfo) -> tuple[datetime, float]:
    """Returns the wall time at `moment` written as if it were UTC, and the offset in seconds."""
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return moment.astimezone(timezone(offset)).replace(tzinfo=UTC), offset.total_seconds()
