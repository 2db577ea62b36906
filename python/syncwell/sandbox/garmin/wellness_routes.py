"""Garmin's wellness API: who the user is, and pulls by windows of upload time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import Response

from syncwell.domain.errors import InvalidInputError
from syncwell.sandbox.answers import empty_answer, json_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.door import Call, Endpoint, Handler
from syncwell.sandbox.garmin.errors import error_answer
from syncwell.sandbox.garmin.presentation import show_detail, show_file, show_summary
from syncwell.sandbox.garmin.records import GarminActivity

if TYPE_CHECKING:
    from syncwell.sandbox.garmin.sandbox import GarminSandbox

BASE = "/wellness-api/rest"
FILE_PATH = f"{BASE}/activityFile"
WINDOW_MAX = timedelta(hours=24)
ACTIVITY_PERMISSION = ("ACTIVITY_EXPORT",)
Shown = Callable[[Call, GarminActivity], dict[str, object]]


class GarminWellness:
    """The wellness paths."""

    def __init__(self, sandbox: GarminSandbox) -> None:
        self._sandbox = sandbox

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        read = CallKind.READ
        return [
            Endpoint("GET", f"{BASE}/user/id", read, self._user_id),
            Endpoint("GET", f"{BASE}/user/permissions", read, self._permissions),
            Endpoint("DELETE", f"{BASE}/user/registration", CallKind.WRITE, self._deregister),
            self._pull("activities", lambda _call, one: show_summary(one)),
            self._pull("manuallyUpdatedActivities", lambda _call, one: show_summary(one), only_edited=True),
            self._pull("activityDetails", lambda _call, one: show_detail(one)),
            self._pull("activityFiles", self._file_notice, only_files=True),
            Endpoint("GET", FILE_PATH, read, self._download, needs_token=False),
        ]

    async def _user_id(self, call: Call) -> Response:
        return json_answer({"userId": call.user_id})

    async def _permissions(self, call: Call) -> Response:
        return json_answer({"permissions": self._sandbox.people.get(call.user_id).permissions})

    async def _deregister(self, call: Call) -> Response:
        self._sandbox.grants.revoke_user(call.user_id)
        return empty_answer(204)

    def _pull(self, name: str, shown: Shown, *, only_edited: bool = False, only_files: bool = False) -> Endpoint:
        async def serve(call: Call) -> Response:
            found = [
                one
                for one in self._uploaded(call)
                if (not only_edited or one.revision > 1) and (not only_files or one.file is not None)
            ]
            self._sandbox.books.count(f"{name}_pulls", user=call.user_id, records=len(found))
            return json_answer([shown(call, one) for one in found])

        handler: Handler = serve
        return Endpoint("GET", f"{BASE}/{name}", CallKind.READ, handler, scopes=ACTIVITY_PERMISSION)

    def _uploaded(self, call: Call) -> list[GarminActivity]:
        start_s, end_s = _window(call)
        settings = self._sandbox.settings
        # A record that is not processed yet cannot be pulled; its upload time does not change.
        ready_s = self._sandbox.clock.now().timestamp() - settings.visibility_lag_seconds
        found = self._sandbox.records.uploaded_between(
            call.user_id, start_s, end_s, with_old=settings.keep_old_revisions
        )
        return [one for one in found if one.uploaded_at.timestamp() <= ready_s]

    def _file_notice(self, call: Call, activity: GarminActivity) -> dict[str, object]:
        token = self._sandbox.file_token(activity)
        url = f"{str(call.request.base_url).rstrip('/')}{FILE_PATH}?id={activity.activity_id}&token={token}"
        return show_file(activity, url)

    async def _download(self, call: Call) -> Response:
        activity = self._sandbox.newest(call.query("id") or "")
        if activity is None or activity.file is None:
            return error_answer(404, "no such file")
        call.ids |= {"user": activity.user_id, "activity": str(activity.activity_id)}
        if not compare_digest(self._sandbox.file_token(activity), call.query("token") or ""):
            return error_answer(401, "the token is not valid for this file")
        self._sandbox.books.count("files_fetched", user=activity.user_id, activity=activity.activity_id)
        return Response(activity.file, media_type="application/octet-stream")


def _window(call: Call) -> tuple[int, int]:
    start_s, end_s = seconds_of(call, "uploadStartTimeInSeconds"), seconds_of(call, "uploadEndTimeInSeconds")
    if end_s <= start_s:
        raise InvalidInputError("uploadEndTimeInSeconds must be after uploadStartTimeInSeconds")
    if end_s - start_s > WINDOW_MAX.total_seconds():
        raise InvalidInputError("time range exceeds maximum of 86400 seconds")
    return start_s, end_s


def seconds_of(call: Call, name: str) -> int:
    """Returns a query parameter in epoch seconds.

    Raises:
        InvalidInputError: it is missing or no whole number.
    """
    text = call.query(name)
    if text is None:
        raise InvalidInputError(f"missing parameter {name}")
    try:
        return int(text)
    except ValueError as exc:
        raise InvalidInputError(f"{name} is no whole number") from exc
