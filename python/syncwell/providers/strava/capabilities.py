"""What Strava can do for SyncWell."""

from __future__ import annotations

from datetime import timedelta

from syncwell.domain.records import DataType, EditableField
from syncwell.ports.roles import Capabilities
from syncwell.providers.strava.settings import PROVIDER

SCOPE_READ = "read"
SCOPE_READ_ALL = "activity:read_all"
SCOPE_WRITE = "activity:write"

CAPABILITIES = Capabilities(
    provider=PROVIDER,
    display_name="Strava",
    readable=frozenset({DataType.WORKOUT}),
    writable=frozenset({DataType.WORKOUT}),
    updatable=frozenset({EditableField.TITLE, EditableField.NOTES, EditableField.SPORT}),
    # Strava took its delete endpoint away in January 2017.
    can_delete=False,
    # By file and by overlapping time; the rule is unpublished, so the ledger does not lean on it.
    refuses_duplicates=True,
    has_webhooks=True,
    # Processing takes about two seconds; an activity may stay out of listings a little longer.
    visibility_lag=timedelta(seconds=30),
    # `after` compares starts: an activity that is uploaded late with an older start is found by overlap only.
    cursor_overlap=timedelta(hours=48),
    scopes=(SCOPE_READ, SCOPE_READ_ALL, SCOPE_WRITE),
)
