"""What Garmin can do for SyncWell: give completed workouts, and take none."""

from __future__ import annotations

from datetime import timedelta

from syncwell.domain.records import DataType
from syncwell.ports.roles import Capabilities
from syncwell.providers.garmin.settings import PROVIDER

CAPABILITIES = Capabilities(
    provider=PROVIDER,
    display_name="Garmin",
    readable=frozenset({DataType.WORKOUT}),
    # The write APIs take planned workouts and routes, never completed ones.
    writable=frozenset(),
    has_webhooks=True,
    # Uploads are listed by the moment they came in, however long ago they started.
    lists_by_change_time=True,
    cursor_overlap=timedelta(hours=24),
    # The consent page has no scopes; the person grants this permission there.
    scopes=("ACTIVITY_EXPORT",),
)
