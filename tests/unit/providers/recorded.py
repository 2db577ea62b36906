"""Recorded payloads of providers, as answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from syncwell.providers.response import Response

FOLDER = Path(__file__).parents[2] / "fixtures" / "provider_payloads"


def recorded_json(name: str) -> object:
    """Returns a payload as parsed JSON."""
    return json.loads((FOLDER / name).read_text())


def recorded_body(name: str) -> bytes:
    """Returns a payload as bytes."""
    return (FOLDER / name).read_bytes()


def recorded_exchanges(name: str) -> list[Response]:
    """Returns the answers of a recorded conversation, in order."""
    exchanges = cast("list[dict[str, dict[str, object]]]", recorded_json(name))
    return [response_of(each["response"]) for each in exchanges]


def response_of(recorded: dict[str, object]) -> Response:
    """Returns one recorded answer."""
    headers = cast("dict[str, str]", recorded["headers"])
    body = recorded["body"]
    return Response(
        status=cast("int", recorded["status"]),
        headers={name.lower(): value for name, value in headers.items()},
        body=b"" if body is None else json.dumps(body).encode(),
    )
