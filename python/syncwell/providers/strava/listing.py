"""Strava's listing of activities, page by page: the source reads it, the destination searches it."""

from __future__ import annotations

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import RecordMetadata
from syncwell.ports.roles import ProviderResponse, ProviderSession, SourcePage, Window
from syncwell.providers.response import decode
from syncwell.providers.strava.errors import fault_of, refuse
from syncwell.providers.strava.mapping import metadata_of
from syncwell.providers.strava.payloads import Activity
from syncwell.providers.strava.settings import PROVIDER

PER_PAGE = 200
# Ten million activities: no athlete has them, and a provider that never ends is stopped.
PAGES_MAX = 50_000


async def fetch_page(session: ProviderSession, window: Window, cursor: str | None) -> SourcePage:
    """Returns one page of the activities that start in `window`; the end is an empty page, never a short one.

    Raises:
        InvalidInputError: the cursor is not one that this function gave.
    """
    page = page_of(cursor)
    response = await session.request(
        "GET",
        "athlete/activities",
        params={
            # Whole seconds, and Strava compares strictly: ask for a little more and cut here.
            "after": str(max(0, window.start_ms // 1000 - 1)),
            "before": str(window.end_ms // 1000 + 1),
            "page": str(page),
            "per_page": str(PER_PAGE),
        },
    )
    if is_in_future(response):
        return SourcePage(records=())
    if response.status != 200:
        refuse(response, "list activities")
    activities = decode(response, list[Activity], provider=PROVIDER)
    records = tuple(each for each in map(metadata_of, activities) if is_in(each, window))
    is_end = not activities or page >= PAGES_MAX
    return SourcePage(records=records, cursor=None if is_end else str(page + 1))


def is_in_future(response: ProviderResponse) -> bool:
    """True when Strava refused because nothing can have started after `after` yet."""
    return response.status == 400 and any(
        item.field == "after" and item.code == "future" for item in fault_of(response).items
    )


def page_of(cursor: str | None) -> int:
    """Returns the page that a cursor names; the first without one."""
    if cursor is None:
        return 1
    if not (cursor.isascii() and cursor.isdigit() and 1 <= len(cursor) <= 6):
        raise InvalidInputError("this is no cursor of a Strava listing", field="cursor")
    return int(cursor)


def is_in(record: RecordMetadata, window: Window) -> bool:
    """True when the record starts in the window."""
    return window.start_ms <= record.start_ms < window.end_ms
