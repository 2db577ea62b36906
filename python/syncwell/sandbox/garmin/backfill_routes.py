"""Backfill: the application asks once for a range of the past, which is then uploaded again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.responses import Response

from syncwell.sandbox.answers import empty_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.door import Call, Endpoint
from syncwell.sandbox.garmin.errors import error_answer
from syncwell.sandbox.garmin.wellness_routes import BASE, seconds_of

if TYPE_CHECKING:
    from syncwell.sandbox.garmin.sandbox import GarminSandbox

HISTORY_PERMISSION = ("HISTORICAL_DATA_EXPORT",)
ACTIVITY_KINDS = ("activities", "activityDetails", "activityFiles")
ASKED_MAX = 100_000


class GarminBackfill:
    """The backfill paths. What was asked for appears with the present upload time."""

    def __init__(self, sandbox: GarminSandbox) -> None:
        self._sandbox = sandbox
        self._asked: set[tuple[str, str, int, int]] = set()

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        path = f"{BASE}/backfill/{{kind}}"
        return [Endpoint("GET", path, CallKind.READ, self._backfill, scopes=HISTORY_PERMISSION)]

    async def _backfill(self, call: Call) -> Response:
        kind = call.request.path_params["kind"]
        if kind not in ACTIVITY_KINDS:
            return error_answer(404, f"no backfill of {kind}")
        start_s, end_s = seconds_of(call, "summaryStartTimeInSeconds"), seconds_of(call, "summaryEndTimeInSeconds")
        days_max = self._sandbox.settings.backfill_days_max
        if not 0 < end_s - start_s <= timedelta(days=days_max).total_seconds():
            return error_answer(400, f"the range must be longer than nothing and at most {days_max} days")
        asked = (call.user_id, kind, start_s, end_s)
        if asked in self._asked:
            return error_answer(409, "duplicate backfill request")
        if len(self._asked) >= ASKED_MAX:
            return error_answer(429, "too many backfill requests")
        self._asked.add(asked)
        count = self._sandbox.records.send_again(call.user_id, start_s, end_s, self._sandbox.clock.now())
        self._sandbox.books.count("backfills", user=call.user_id, records=count)
        return empty_answer(202)
