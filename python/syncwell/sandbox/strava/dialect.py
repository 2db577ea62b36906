"""How Strava counts calls, refuses them and words its errors."""

from __future__ import annotations

from starlette.responses import Response

from syncwell.sandbox.books import CallKind
from syncwell.sandbox.door import Call, Dialect, Endpoint
from syncwell.sandbox.strava.errors import error_answer, fault_answer, too_many_requests
from syncwell.sandbox.strava.limits import RateWindows

NO_READS = frozenset({("POST", "/api/v3/uploads"), ("POST", "/api/v3/activities")})


class StravaDialect(Dialect):
    """Counts in Strava's windows and refuses in Strava's words."""

    def __init__(self, windows: RateWindows) -> None:
        self._windows = windows

    def count(self, endpoint: Endpoint) -> None:
        """Counts every call of the API; authorization and subscriptions are free."""
        if _is_metered(endpoint):
            self._windows.count(is_read=_is_read(endpoint))

    def refusal(self, call: Call, endpoint: Endpoint) -> Response | None:
        """Refuses over the limit, then dead tokens, then missing scopes."""
        if _is_metered(endpoint) and self._windows.is_over(is_read=_is_read(endpoint)):
            return too_many_requests()
        if not endpoint.needs_token:
            return None
        if call.grant is None:
            return fault_answer(401, "Athlete", "access_token", "invalid")
        if endpoint.scopes and not set(endpoint.scopes) & set(call.grant.scopes):
            kind = "write" if endpoint.scopes == ("activity:write",) else "read"
            return fault_answer(401, "AccessToken", f"activity:{kind}_permission", "missing")
        return None

    def error(self, status: int, message: str) -> Response:  # noqa: ARG002 - Strava says less
        """Returns a Fault, or the 429 of Strava."""
        return error_answer(status)

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Returns the four rate headers on answers of the API."""
        return self._windows.headers(is_read=_is_read(endpoint)) if _is_metered(endpoint) else {}


def _is_metered(endpoint: Endpoint) -> bool:
    return endpoint.kind in (CallKind.READ, CallKind.WRITE, CallKind.UPLOAD)


def _is_read(endpoint: Endpoint) -> bool:
    return (endpoint.method, endpoint.path) not in NO_READS
