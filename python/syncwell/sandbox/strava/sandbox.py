"""The Strava sandbox: `/oauth/...` and `/api/v3/...` on one origin."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from starlette.routing import BaseRoute

from syncwell.domain.errors import NotFoundError
from syncwell.ports.history import History
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.door import Door
from syncwell.sandbox.oauth import ClientRegistration, Grant, TokenRules
from syncwell.sandbox.outbox import DeliveryRules, Outbox
from syncwell.sandbox.sandbox import Sandbox, decoded, decoded_records
from syncwell.sandbox.strava.activities import Activity, ActivityStore
from syncwell.sandbox.strava.activity_routes import StravaActivities
from syncwell.sandbox.strava.dialect import StravaDialect
from syncwell.sandbox.strava.events import StravaEvents, told_fields
from syncwell.sandbox.strava.limits import RateWindows
from syncwell.sandbox.strava.oauth_routes import StravaOAuth
from syncwell.sandbox.strava.seeds import StravaEdit, StravaSeed, edit, seeded
from syncwell.sandbox.strava.settings import StravaSettings
from syncwell.sandbox.strava.subscription_routes import StravaSubscriptions
from syncwell.sandbox.strava.upload_routes import StravaUploads

FIRST_ACTIVITY_ID = 8_300_000_001
DEFAULT_SCOPES = ("read", "activity:read_all", "activity:write")
EVENT_DEADLINE = timedelta(seconds=2)
EVENT_ATTEMPTS_MAX = 3


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
        self.outbox = Outbox(self.books, self._delivery_rules)
        self.events = StravaEvents(self.outbox)
        self.uploads = StravaUploads(self)

    def routes(self) -> list[BaseRoute]:
        """Returns Strava's paths."""
        door = Door(StravaDialect(self.windows), self.books, self.faults, self.grants)
        parts = (StravaOAuth(self), StravaActivities(self), self.uploads, StravaSubscriptions(self))
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
        self.events.tell_created(activity, self.now_s())

    def revoke(self, grant: Grant) -> None:
        """Ends the grant of an athlete who leaves the application."""
        self.grants.revoke_grant(grant)
        self.events.tell_deauthorized(grant.user_id, self.now_s())

    def revoke_user(self, user_id: str) -> int:
        """Ends every grant of an athlete, as the athlete's own settings page does."""
        revoked = super().revoke_user(user_id)
        if revoked:
            self.events.tell_deauthorized(user_id, self.now_s())
        return revoked

    def now_s(self) -> int:
        """Returns the sandbox's time in epoch seconds."""
        return self.clock.now_ms() // 1000

    async def run(self) -> None:
        """Delivers events and processes uploads until it is cancelled."""
        async with asyncio.TaskGroup() as work:
            work.create_task(self.outbox.run())
            work.create_task(self.uploads.run())

    def wake(self) -> None:
        """Lets held and repeated events go when they are due."""
        self.outbox.wake()

    def show_books(self) -> dict[str, object]:
        """Returns the whole truth, events among it."""
        return super().show_books() | {"events": self.outbox.show()}

    def _delivery_rules(self) -> DeliveryRules:
        return DeliveryRules(
            deadline=EVENT_DEADLINE,
            attempts_max=EVENT_ATTEMPTS_MAX,
            retry_after=timedelta(seconds=self.settings.event_retry_seconds),
            is_held=self.settings.hold_events,
            copies=self.settings.event_copies,
            newest_first=self.settings.newest_event_first,
        )

    def seed_records(self, body: bytes) -> list[str]:
        """Adds activities; see `StravaSeed`."""
        activities = [seeded(self, seed) for seed in decoded_records(body, StravaSeed)]
        for activity in activities:
            self.add_activity(activity)
        return [str(activity.activity_id) for activity in activities]

    def edit_record(self, record_id: str, body: bytes) -> None:
        """Changes an activity as its athlete would; see `StravaEdit`."""
        activity = self._record(record_id)
        before = told_fields(activity)
        edit(activity, decoded(body, StravaEdit))
        self.events.tell_changed(activity, before, self.now_s())
        self.books.count("records_edited", record=record_id)

    def delete_record(self, record_id: str) -> None:
        """Deletes an activity as its athlete would."""
        activity = self._record(record_id)
        activity.deleted_ms = self.clock.now_ms()
        self.events.tell_deleted(activity, self.now_s())
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
