"""The switches of the Garmin sandbox."""

from __future__ import annotations

from syncwell.sandbox.sandbox import SandboxSettings


class GarminSettings(SandboxSettings, frozen=True, kw_only=True):
    """What can be changed while the sandbox runs.

    `keep_old_revisions` shows a record that was edited in the window of its first upload too, as it was then.
    `calls_per_minute` counts all calls of the application by the clock's minute.
    """

    access_token_seconds: int = 86_400
    refresh_token_seconds: int = 7_776_000
    calls_per_minute: int = 100
    keep_old_revisions: bool = False
    backfill_days_max: int = 30
