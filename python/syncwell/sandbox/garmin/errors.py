"""Garmin's error bodies."""

from __future__ import annotations

from starlette.responses import Response

from syncwell.sandbox.answers import json_answer


def error_answer(status: int, message: str) -> Response:
    """Returns an error of the wellness API."""
    return json_answer({"errorMessage": message}, status)


def token_error(error: str, description: str, status: int = 400) -> Response:
    """Returns an error of the token endpoint, in the words of RFC 6749."""
    return json_answer({"error": error, "error_description": description}, status)
