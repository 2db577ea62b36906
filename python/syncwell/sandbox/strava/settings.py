"""The switches of the Strava sandbox."""

from __future__ import annotations

from typing import Literal

from syncwell.sandbox.sandbox import SandboxSettings


class StravaSettings(SandboxSettings, frozen=True, kw_only=True):
    """What can be changed while the sandbox runs; limits are per application.

    `processing_polls` is how many polls of an upload still say "being processed". `visibility_lag_seconds` keeps an
    uploaded activity out of the listing. `page_shortfall` makes each page hold fewer activities than asked for.
    Events can be held back, sent several times and, once several are due, newest first.
    """

    refuse_duplicates: bool = True
    duplicate_text: Literal["plain", "html"] = "plain"
    duplicate_at_post: bool = False
    processing_polls: int = 1
    quarter_limit: int = 200
    day_limit: int = 2_000
    quarter_read_limit: int = 100
    day_read_limit: int = 1_000
    page_shortfall: int = 0
    hold_events: bool = False
    event_copies: int = 1
    newest_event_first: bool = False
    event_retry_seconds: int = 120
