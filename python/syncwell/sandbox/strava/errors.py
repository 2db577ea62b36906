"""Strava's error bodies."""

from __future__ import annotations

from starlette.responses import Response

from syncwell.sandbox.answers import json_answer

MESSAGES = {
    400: "Bad Request",
    401: "Authorization Error",
    403: "Forbidden",
    404: "Record Not Found",
    409: "Conflict",
    413: "Payload Too Large",
}


def fault_answer(status: int, resource: str, field: str, code: str) -> Response:
    """Returns a Fault with one error in it."""
    message = MESSAGES.get(status, "error")
    return json_answer({"message": message, "errors": [{"resource": resource, "field": field, "code": code}]}, status)


def not_found(resource: str = "Activity") -> Response:
    """Returns the 404 of a record that is not there or not the caller's."""
    return fault_answer(404, resource, "id", "invalid")


def too_many_requests() -> Response:
    """Returns the 429, whose `errors` is a text and not a list."""
    return json_answer({"errors": "Rate Limit Exceeded", "status": 429, "message": "Too Many Requests"}, 429)


def error_answer(status: int) -> Response:
    """Returns the body that belongs to a status when nothing more is known."""
    match status:
        case 429:
            return too_many_requests()
        case 401:
            return fault_answer(401, "Application", "", "invalid")
        case 404:
            return not_found("Resource")
        case _:
            return fault_answer(status, "Application", "", "invalid")
