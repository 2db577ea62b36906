"""The events that Strava sends about activities and athletes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from syncwell.sandbox.outbox import Outbox
from syncwell.sandbox.strava.activities import Activity
from syncwell.sandbox.strava.athletes import athlete_id_of


@dataclass(frozen=True, slots=True)
class Subscription:
    """The one subscription of the application."""

    subscription_id: int
    callback_url: str
    created_at: str


class StravaEvents:
    """Tells the subscriber, if there is one."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.subscription: Subscription | None = None

    def tell_created(self, activity: Activity, now_s: int) -> None:
        """Tells of a new activity."""
        self._tell_activity(activity, "create", now_s, {})

    def tell_deleted(self, activity: Activity, now_s: int) -> None:
        """Tells of a deleted activity."""
        self._tell_activity(activity, "delete", now_s, {})

    def tell_changed(self, activity: Activity, before: Mapping[str, object], now_s: int) -> None:
        """Tells of what differs from `before`; silent when it is nothing that Strava tells of."""
        updates = {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in told_fields(activity).items()
            if value != before[key]
        }
        if updates:
            self._tell_activity(activity, "update", now_s, updates)

    def tell_deauthorized(self, user_id: str, now_s: int) -> None:
        """Tells that an athlete left the application."""
        told = {"object_type": "athlete", "object_id": athlete_id_of(user_id), "aspect_type": "update"}
        self._tell(user_id, {**told, "event_time": now_s, "updates": {"authorized": "false"}})

    def _tell_activity(self, activity: Activity, aspect: str, now_s: int, updates: dict[str, str]) -> None:
        told = {"object_type": "activity", "object_id": activity.activity_id, "aspect_type": aspect}
        self._tell(activity.user_id, {**told, "event_time": now_s, "updates": updates})

    def _tell(self, user_id: str, event: dict[str, object]) -> None:
        if self.subscription is None:
            return
        origin = {"owner_id": athlete_id_of(user_id), "subscription_id": self.subscription.subscription_id}
        kind = f"{event['object_type']}.{event['aspect_type']}"
        body = msgspec.json.encode(event | origin)
        self._outbox.put(self.subscription.callback_url, body, user_id=user_id, kind=kind)


def told_fields(activity: Activity) -> dict[str, object]:
    """Returns the fields whose changes Strava tells of, under the names that its events use."""
    return {"title": activity.name, "type": activity.sport_type, "private": activity.private}
