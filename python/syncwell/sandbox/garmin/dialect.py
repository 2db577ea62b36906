"""How Garmin counts calls, refuses them and words its errors."""

from __future__ import annotations

from starlette.responses import Response

from syncwell.sandbox.books import CallKind
from syncwell.sandbox.door import Call, Dialect, Endpoint
from syncwell.sandbox.garmin.errors import error_answer
from syncwell.sandbox.garmin.limits import MinuteWindows
from syncwell.sandbox.people import People


class GarminDialect(Dialect):
    """Counts by the minute and refuses in Garmin's words."""

    def __init__(self, windows: MinuteWindows, people: People) -> None:
        self._windows = windows
        self._people = people

    def count(self, endpoint: Endpoint) -> None:
        """Counts every call of the wellness API."""
        if _is_metered(endpoint):
            self._windows.count()

    def refusal(self, call: Call, endpoint: Endpoint) -> Response | None:
        """Refuses over the limit, then dead tokens, then what the person did not permit."""
        if _is_metered(endpoint) and self._windows.is_over():
            return error_answer(429, "too many requests")
        if not endpoint.needs_token:
            return None
        if call.grant is None:
            return error_answer(401, "the access token is invalid or expired")
        if endpoint.scopes and not set(endpoint.scopes) & set(self._people.get(call.user_id).permissions):
            return error_answer(403, f"the user did not permit {endpoint.scopes[0]}")
        return None

    def error(self, status: int, message: str) -> Response:
        """Returns `errorMessage`."""
        return error_answer(status, message)

    def headers(self, endpoint: Endpoint) -> dict[str, str]:  # noqa: ARG002 - none for any
        """Returns nothing: Garmin tells no limits."""
        return {}


def _is_metered(endpoint: Endpoint) -> bool:
    return endpoint.kind in (CallKind.READ, CallKind.WRITE)
