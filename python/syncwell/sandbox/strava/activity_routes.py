"""Reading, creating and changing activities."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.responses import Response

from syncwell.domain.errors import InvalidInputError
from syncwell.sandbox.answers import json_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.door import Call, Endpoint
from syncwell.sandbox.strava.activities import Activity, Origin
from syncwell.sandbox.strava.athletes import show_own_profile
from syncwell.sandbox.strava.errors import fault_answer, not_found
from syncwell.sandbox.strava.events import told_fields
from syncwell.sandbox.strava.presentation import show_detail, show_streams, show_summary
from syncwell.sandbox.strava.sports import SPORT_TYPES
from syncwell.sandbox.strava.upload_routes import is_ticked
from syncwell.sandbox.track_files import YEAR_MAX, YEAR_MIN

if TYPE_CHECKING:
    from syncwell.sandbox.strava.sandbox import StravaSandbox

PAGE_DEFAULT = 30
PAGE_MAX = 200
READ_SCOPES = ("activity:read", "activity:read_all")
WRITE_SCOPES = ("activity:write",)
METRES_MAX = 1e8
SECONDS_MAX = 10 * 24 * 3600
PATH = "/api/v3/activities/{activity_id:int}"


class StravaActivities:
    """The activity paths."""

    def __init__(self, sandbox: StravaSandbox) -> None:
        self._sandbox = sandbox

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        read, write = CallKind.READ, CallKind.WRITE
        return [
            Endpoint("GET", "/api/v3/athlete", read, self._athlete, scopes=("read", "read_all", "profile:read_all")),
            Endpoint("GET", "/api/v3/athlete/activities", read, self._list, scopes=READ_SCOPES),
            Endpoint("GET", PATH, read, self._detail, scopes=READ_SCOPES),
            Endpoint("GET", PATH + "/streams", read, self._streams, scopes=READ_SCOPES),
            Endpoint("POST", "/api/v3/activities", write, self._create, scopes=WRITE_SCOPES),
            Endpoint("PUT", PATH, write, self._update, scopes=WRITE_SCOPES),
        ]

    async def _athlete(self, call: Call) -> Response:
        return json_answer(show_own_profile(self._sandbox.people.get(call.user_id)))

    async def _list(self, call: Call) -> Response:
        after, before = _number(call, "after"), _number(call, "before")
        now_s = self._sandbox.clock.now().timestamp()
        if after is not None and after > now_s:
            return fault_answer(400, "Application", "after", "future")
        found = [one for one in self._visible(call) if _is_between(one, after, before)]
        if after is not None:
            found.reverse()
        page, per_page = _number(call, "page"), _number(call, "per_page")
        size = max(1, min(PAGE_DEFAULT if per_page is None else per_page, PAGE_MAX) - self._shortfall())
        start = (max(1, page or 1) - 1) * size
        shown = found[start : start + size]
        self._sandbox.books.count("listings", user=call.user_id, activities=len(shown))
        return json_answer([show_summary(one) for one in shown])

    def _shortfall(self) -> int:
        return self._sandbox.settings.page_shortfall

    def _visible(self, call: Call) -> list[Activity]:
        now_ms = self._sandbox.clock.now_ms()
        mine = self._sandbox.activities.of_user(call.user_id)
        return [one for one in mine if one.visible_ms <= now_ms and _may_see(call, one)]

    async def _detail(self, call: Call) -> Response:
        activity = self._find(call)
        if activity is None:
            return not_found()
        self._sandbox.books.count("details_fetched", user=call.user_id, activity=activity.activity_id)
        return json_answer(show_detail(activity))

    async def _streams(self, call: Call) -> Response:
        activity = self._find(call)
        if activity is None or activity.track is None or not activity.track.points:
            return not_found()
        self._sandbox.books.count("streams_fetched", user=call.user_id, activity=activity.activity_id)
        keys = [key for key in (call.query("keys") or "").split(",") if key]
        streams = show_streams(activity, keys)
        if is_ticked(call.query("key_by_type")):
            return json_answer(streams)
        return json_answer([{"type": key, **stream} for key, stream in streams.items()])

    async def _create(self, call: Call) -> Response:
        fields = call.form().fields
        sport_type = fields.get("sport_type") or fields.get("type") or ""
        if not fields.get("name"):
            return fault_answer(400, "Activity", "name", "missing")
        if sport_type not in SPORT_TYPES:
            return fault_answer(400, "Activity", "sport_type", "invalid")
        activity = self._manual(call.user_id, sport_type, fields)
        twin = self._sandbox.activities.find_duplicate(
            call.user_id, activity.start, activity.elapsed_s, sport_type, None
        )
        if twin is not None and self._sandbox.settings.refuse_duplicates:
            self._sandbox.books.count("manual_refused", user=call.user_id, activity=twin.activity_id)
            return fault_answer(409, "Activity", "start_date_local", "conflict")
        activity.activity_id = self._sandbox.next_activity_id()
        self._sandbox.add_activity(activity)
        self._sandbox.books.count("manual_accepted", user=call.user_id, activity=activity.activity_id)
        call.ids["activity"] = str(activity.activity_id)
        return json_answer(show_detail(activity), 201)

    def _manual(self, user_id: str, sport_type: str, fields: dict[str, str]) -> Activity:
        person = self._sandbox.people.get(user_id)
        now_ms = self._sandbox.clock.now_ms()
        elapsed_s = _seconds(fields.get("elapsed_time"))
        return Activity(
            activity_id=0,
            user_id=user_id,
            origin=Origin.MANUAL,
            name=fields["name"],
            sport_type=sport_type,
            start=_local_start(fields.get("start_date_local", ""), ZoneInfo(person.timezone)),
            elapsed_s=elapsed_s,
            moving_s=elapsed_s,
            distance_m=_metres(fields.get("distance")),
            timezone=person.timezone,
            created_ms=now_ms,
            visible_ms=now_ms + self._sandbox.settings.visibility_lag_seconds * 1000,
            description=fields.get("description"),
            trainer=is_ticked(fields.get("trainer")),
            commute=is_ticked(fields.get("commute")),
            manual=True,
        )

    async def _update(self, call: Call) -> Response:
        activity = self._find(call)
        if activity is None:
            return not_found()
        fields = call.form().fields
        sport_type = fields.get("sport_type") or fields.get("type") or activity.sport_type
        if sport_type not in SPORT_TYPES:
            return fault_answer(400, "Activity", "sport_type", "invalid")
        before = told_fields(activity)
        activity.sport_type = sport_type
        activity.name = fields.get("name", activity.name)
        activity.description = fields.get("description", activity.description)
        activity.gear_id = fields.get("gear_id", activity.gear_id)
        for flag in ("trainer", "commute", "hide_from_home"):
            if flag in fields:
                setattr(activity, flag, is_ticked(fields[flag]))
        activity.update_count += 1
        self._sandbox.events.tell_changed(activity, before, self._sandbox.now_s())
        self._sandbox.books.count("updates_accepted", user=call.user_id, activity=activity.activity_id)
        return json_answer(show_detail(activity))

    def _find(self, call: Call) -> Activity | None:
        activity = self._sandbox.activities.get(call.request.path_params["activity_id"])
        if activity is None or activity.user_id != call.user_id or not _may_see(call, activity):
            return None
        call.ids["activity"] = str(activity.activity_id)
        return activity


def _may_see(call: Call, activity: Activity) -> bool:
    """Activities that only their owner may see need the wider scope; whoever may write sees what it writes."""
    scopes = call.grant.scopes if call.grant is not None else ()
    return not activity.private or "activity:read_all" in scopes or "activity:write" in scopes


def _is_between(activity: Activity, after: int | None, before: int | None) -> bool:
    start_s = activity.start.timestamp()
    return (after is None or start_s > after) and (before is None or start_s < before)


def _number(call: Call, name: str) -> int | None:
    text = call.query(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as exc:
        raise InvalidInputError(f"{name} is no whole number") from exc


def _seconds(text: str | None) -> int:
    try:
        seconds = int(float(text or ""))
    except (ValueError, OverflowError) as exc:
        raise InvalidInputError("elapsed_time is no number of seconds") from exc
    if not 0 <= seconds <= SECONDS_MAX:
        raise InvalidInputError("elapsed_time is out of range")
    return seconds


def _metres(text: str | None) -> float:
    try:
        metres = float(text or 0)
    except ValueError as exc:
        raise InvalidInputError("distance is no number of metres") from exc
    if not 0 <= metres <= METRES_MAX:
        raise InvalidInputError("distance is out of range")
    return metres


def _local_start(text: str, zone: ZoneInfo) -> datetime:
    """Reads the wall time where the athlete lives; as at Strava, an offset or a Z behind it says nothing."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" -", "-").replace(" +", "+"))
    except ValueError as exc:
        raise InvalidInputError("start_date_local is no ISO 8601 time") from exc
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise InvalidInputError("start_date_local is out of range")
    return moment.replace(tzinfo=zone).astimezone(UTC)
