"""The answers of a sandbox: JSON bytes, HTML pages, nothing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import HTMLResponse, Response

JSON_TYPE = "application/json; charset=utf-8"


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns `body` as JSON."""
    return Response(msgspec.json.encode(body), status, dict(headers or {}), media_type=JSON_TYPE)


def html_answer(page: str, status: int = 200) -> Response:
    """Returns an HTML page."""
    return HTMLResponse(page, status)


def empty_answer(status: int = 204) -> Response:
    """Returns an answer without a body."""
    return Response(status_code=status)
