"""The Strava sandbox: `/oauth/...` and `/api/v3/...` on one origin."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from starlette.responses import Response
from starlette.routing import BaseRoute

from syncwell.domain.errors import NotFoundError
from syncwell.ports.history import History
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.door import Call, Dialect, Door, Endpoint
from syncwell.sandbox.oauth import ClientRegistration, Grant, TokenRules
from syncwell.sandbox.sandbox import Sandbox, decoded, decoded_records
from syncwell.sandbox.strava.activities import Activity, ActivityStore
from syncwell.sandbox.strava.activity_routes import StravaActivities
from syncwell.sandbox.strava.errors import error_answer, fault_answer, too_many_requests
from syncwell.sandbox.strava.limits import RateWindows
from syncwell.sandbox.strava.oauth_routes import StravaOAuth
from syncwell.sandbox.strava.seeds import StravaEdit, StravaSeed, edit, seeded
from syncwell.sandbox.strava.settings import StravaSettings
from syncwell.sandbox.strava.upload_routes import StravaUploads

FIRST_ACTIVITY_ID = 8_300_000_001
DEFAULT_SCOPES = ("read", "activity:read_all", "activity:write")
NO_READS = frozenset({("POST", "/api/v3/uploads"), ("POST", "/api/v3/activities")})


class StravaSandbox(Sandbox):
    """One Strava, with every athlete that was seeded."""

    provider = "strava"
    settings: StravaSettings

    def __init__(
        self,
        *,
        client: ClientRegistration | None = None,
        clock: MovableClock | None = None,
        history: History | None = None,
        seed: str = "syncwell",
        books_path: Path | None = None,
    ) -> None:
        super().__init__(
            StravaSettings(), client=client, clock=clock, history=history, seed=seed, books_path=books_path
        )
        self.activities = ActivityStore()
        self.windows = RateWindows(self.clock, lambda: self.settings)

    def routes(self) -> list[BaseRoute]:
        """Returns Strava's paths."""
        door = Door(StravaDialect(self.windows), self.books, self.faults, self.grants)
        parts = (StravaOAuth(self), StravaActivities(self), StravaUploads(self))
        return list(door.routes([point for part in parts for point in part.endpoints()]))

    def token_rules(self) -> TokenRules:
        """Returns Strava's: a young access token comes back as it is."""
        return TokenRules(
            access_life=timedelta(seconds=self.settings.access_token_seconds),
            rotate_refresh=self.settings.rotate_refresh,
            old_refresh_dies=self.settings.old_refresh_dies,
            keeps_young_tokens=True,
        )

    def default_scopes(self) -> tuple[str, ...]:
        """Returns what a synchronisation needs."""
        return DEFAULT_SCOPES

    def next_activity_id(self) -> int:
        """Returns a new activity id."""
        return self.ids.number("activity", first=FIRST_ACTIVITY_ID)

    def add_activity(self, activity: Activity) -> None:
        """Keeps a new activity and tells the history of it."""
        self.activities.add(activity)
        self.books.count(
            "records_created",
            user=activity.user_id,
            record=activity.activity_id,
            external_id=activity.external_id,
            origin=activity.origin,
        )

    def revoke(self, grant: Grant) -> None:
        """Ends the grant of an athlete who leaves the application."""
        self.grants.revoke_grant(grant)

    def seed_records(self, body: bytes) -> list[str]:
        """Adds activities; see `StravaSeed`."""
        activities = [seeded(self, seed) for seed in decoded_records(body, StravaSeed)]
        for activity in activities:
            self.add_activity(activity)
        return [str(activity.activity_id) for activity in activities]

    def edit_record(self, record_id: str, body: bytes) -> None:
        """Changes an activity as its athlete would; see `StravaEdit`."""
        edit(self._record(record_id), decoded(body, StravaEdit))
        self.books.count("records_edited", record=record_id)

    def delete_record(self, record_id: str) -> None:
        """Deletes an activity as its athlete would."""
        self._record(record_id).deleted_ms = self.clock.now_ms()
        self.books.count("records_deleted", record=record_id)

    def _record(self, record_id: str) -> Activity:
        activity = self.activities.get(int(record_id)) if record_id.isdecimal() else None
        if activity is None:
            raise NotFoundError(f"there is no activity {record_id}")
        return activity

    def show_records(self) -> dict[str, list[dict[str, object]]]:
        """Returns each athlete's activities, oldest first."""
        shown: dict[str, list[dict[str, object]]] = {person.user_id: [] for person in self.people.all()}
        for activity in sorted(self.activities.all(), key=lambda one: (one.start, one.activity_id)):
            shown.setdefault(activity.user_id, []).append(show_record(activity))
        return shown

    def show_windows(self) -> list[dict[str, object]]:
        """Returns the rate windows."""
        return self.windows.show()


def show_record(activity: Activity) -> dict[str, object]:
    """Returns what the books tell of one activity."""
    return {
        "id": str(activity.activity_id),
        "external_id": activity.external_id,
        "origin": activity.origin,
        "name": activity.name,
        "description": activity.description,
        "sport_type": activity.sport_type,
        "start_ms": round(activity.start.timestamp() * 1000),
        "elapsed_seconds": activity.elapsed_s,
        "distance_m": activity.distance_m,
        "created_ms": activity.created_ms,
        "visible_ms": activity.visible_ms,
        "updates": activity.update_count,
        "deleted_ms": activity.deleted_ms,
    }


class StravaDialect(Dialect):
    """Counts in Strava's windows and refuses in Strava's words."""

    def __init__(self, windows: RateWindows) -> None:
        self._windows = windows

    def count(self, endpoint: Endpoint) -> None:
        """Counts every call of the API; authorization and subscriptions are free."""
        if _is_metered(endpoint):
            self._windows.count(is_read=_is_read(endpoint))

    def refusal(self, call: Call, endpoint: Endpoint) -> Response | None:
        """Refuses over the limit, then dead tokens, then missing scopes."""
        if _is_metered(endpoint) and self._windows.is_over(is_read=_is_read(endpoint)):
            return too_many_requests()
        if not endpoint.needs_token:
            return None
        if call.grant is None:
            return fault_answer(401, "Athlete", "access_token", "invalid")
        if endpoint.scopes and not set(endpoint.scopes) & set(call.grant.scopes):
            kind = "write" if endpoint.scopes == ("activity:write",) else "read"
            return fault_answer(401, "AccessToken", f"activity:{kind}_permission", "missing")
        return None

    def error(self, status: int, message: str) -> Response:  # noqa: ARG002 - Strava says less
        """Returns a Fault, or the 429 of Strava."""
        return error_answer(status)

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Returns the four rate headers on answers of the API."""
        return self._windows.headers(is_read=_is_read(endpoint)) if _is_metered(endpoint) else {}


def _is_metered(endpoint: Endpoint) -> bool:
    return endpoint.kind in (CallKind.READ, CallKind.WRITE, CallKind.UPLOAD)


def _is_read(endpoint: Endpoint) -> bool:
    return (endpoint.method, endpoint.path) not in NO_READS
