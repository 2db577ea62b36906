"""The Garmin sandbox: `/oauth2Confirm`, `/di-oauth2-service/...` and `/wellness-api/rest/...` on one origin."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from starlette.routing import BaseRoute

from syncwell.domain.errors import NotFoundError
from syncwell.ports.history import History
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.door import Door
from syncwell.sandbox.garmin.backfill_routes import GarminBackfill
from syncwell.sandbox.garmin.dialect import GarminDialect
from syncwell.sandbox.garmin.limits import MinuteWindows
from syncwell.sandbox.garmin.oauth_routes import GarminOAuth
from syncwell.sandbox.garmin.presentation import show_summary
from syncwell.sandbox.garmin.records import GarminActivity, RecordStore
from syncwell.sandbox.garmin.seeds import GarminEdit, GarminSeed, edited, seeded
from syncwell.sandbox.garmin.settings import GarminSettings
from syncwell.sandbox.garmin.wellness_routes import GarminWellness
from syncwell.sandbox.oauth import ClientRegistration, TokenRules
from syncwell.sandbox.sandbox import Sandbox, decoded, decoded_records


class GarminSandbox(Sandbox):
    """One Garmin, with every user that was seeded."""

    provider = "garmin"
    settings: GarminSettings

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
            GarminSettings(), client=client, clock=clock, history=history, seed=seed, books_path=books_path
        )
        self.records = RecordStore()
        self.windows = MinuteWindows(self.clock, lambda: self.settings)
        self._file_secret = self.ids.text("file")

    def routes(self) -> list[BaseRoute]:
        """Returns Garmin's paths."""
        door = Door(GarminDialect(self.windows, self.people), self.books, self.faults, self.grants)
        parts = (GarminOAuth(self), GarminWellness(self), GarminBackfill(self))
        return list(door.routes([point for part in parts for point in part.endpoints()]))

    def token_rules(self) -> TokenRules:
        """Returns Garmin's: each refresh gives a new pair."""
        return TokenRules(
            access_life=timedelta(seconds=self.settings.access_token_seconds),
            rotate_refresh=self.settings.rotate_refresh,
            old_refresh_dies=self.settings.old_refresh_dies,
            keeps_young_tokens=False,
            refresh_life=timedelta(seconds=self.settings.refresh_token_seconds),
        )

    def default_scopes(self) -> tuple[str, ...]:
        """Returns none: Garmin knows permissions of the person only."""
        return ()

    def file_token(self, activity: GarminActivity) -> str:
        """Returns the token that opens the file of this activity."""
        named = f"{self._file_secret}|{activity.activity_id}"
        return sha256(named.encode()).hexdigest()[:32]

    def newest(self, activity_id: str) -> GarminActivity | None:
        """Returns the last revision of an activity that is there, or None."""
        return self.records.newest(int(activity_id)) if activity_id.isdecimal() else None

    def seed_records(self, body: bytes) -> list[str]:
        """Adds activities; see `GarminSeed`."""
        activities = [seeded(self, seed) for seed in decoded_records(body, GarminSeed)]
        for activity in activities:
            self._add(activity, "records_created")
        return [str(activity.activity_id) for activity in activities]

    def edit_record(self, record_id: str, body: bytes) -> None:
        """Sends a changed activity again with a new upload time; see `GarminEdit`."""
        edit = decoded(body, GarminEdit)
        self._add(edited(self._record(record_id), edit, self.clock.now()), "records_edited")

    def delete_record(self, record_id: str) -> None:
        """Deletes an activity; as at Garmin, nothing announces it."""
        self.records.delete(self._record(record_id).activity_id)
        self.books.count("records_deleted", record=record_id)

    def show_records(self) -> dict[str, list[dict[str, object]]]:
        """Returns each person's activities, oldest start first."""
        shown: dict[str, list[dict[str, object]]] = {person.user_id: [] for person in self.people.all()}
        for activity in sorted(self.records.all_newest(), key=lambda one: (one.start, one.activity_id)):
            shown.setdefault(activity.user_id, []).append(show_record(activity))
        return shown

    def show_windows(self) -> list[dict[str, object]]:
        """Returns the rate windows."""
        return self.windows.show()

    def _add(self, activity: GarminActivity, event: str) -> None:
        self.records.add(activity)
        self.books.count(event, user=activity.user_id, record=activity.activity_id, revision=activity.revision)

    def _record(self, record_id: str) -> GarminActivity:
        activity = self.newest(record_id)
        if activity is None:
            raise NotFoundError(f"there is no activity {record_id}")
        return activity


def show_record(activity: GarminActivity) -> dict[str, object]:
    """Returns what the books tell of one activity."""
    return {
        "id": str(activity.activity_id),
        "revision": activity.revision,
        "uploaded_ms": round(activity.uploaded_at.timestamp() * 1000),
        "start_ms": round(activity.start.timestamp() * 1000),
        "has_file": activity.file is not None,
        "is_deleted": activity.is_deleted,
        "summary": show_summary(activity),
    }
