"""Refuses what is too large, too deep or of the wrong kind before anything is built from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from services.gateway.problems import Refusal, refuse
from syncwell.domain.errors import InvalidInputError

BODY_BYTES_MAX = 64 * 1024
HEADERS_MAX = 64
HEADER_BYTES_MAX = 16 * 1024
QUERY_BYTES_MAX = 8 * 1024
QUERY_PARAMETERS_MAX = 20
JSON_DEPTH_MAX = 32
JSON_ARRAY_MAX = 1_000

_UUID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
# A string swallows brackets in it; possessive, so that an unclosed one costs no more than its length.
_JSON_MARKS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)


def headers_of(scope: Scope) -> Mapping[bytes, bytes]:
    """Returns the headers by lower-case name."""
    return dict(scope["headers"])


def require_small_headers(scope: Scope, headers: Mapping[bytes, bytes]) -> None:
    """Refuses too many or too large headers with 431."""
    byte_count = sum(map(len, headers)) + sum(map(len, headers.values()))
    if len(scope["headers"]) > HEADERS_MAX or byte_count > HEADER_BYTES_MAX:
        refuse(Refusal.HEADERS_TOO_LARGE, f"at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes in all")


def query_of(scope: Scope) -> Mapping[str, str]:
    """Returns the query parameters; a parameter given twice is refused."""
    raw = scope["query_string"]
    if not raw:
        return {}
    if len(raw) > QUERY_BYTES_MAX:
        raise InvalidInputError(f"the query is longer than {QUERY_BYTES_MAX} bytes", field="query")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=QUERY_PARAMETERS_MAX, errors="strict"
        )
    except ValueError as exc:
        raise InvalidInputError("the query is malformed or has too many parameters", field="query") from exc
    query = dict(pairs)
    if len(query) != len(pairs):
        raise InvalidInputError("a query parameter is given twice", field="query")
    return query


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Returns the whole body; refuses a larger one with 413 as soon as that is known.

    Raises:
        ConnectionResetError: the caller left before the body was complete.
    """
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > BODY_BYTES_MAX:
        refuse(Refusal.BODY_TOO_LARGE, f"a body holds at most {BODY_BYTES_MAX} bytes")
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the caller left")
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > BODY_BYTES_MAX:
            refuse(Refusal.BODY_TOO_LARGE, f"a body holds at most {BODY_BYTES_MAX} bytes")
    return bytes(body)


def require_json(headers: Mapping[bytes, bytes], body: bytes) -> None:
    """Refuses another media type with 415, and nesting or arrays beyond the bounds with 400."""
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        refuse(Refusal.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    # Counting is enough for nearly every body; only one with many marks is walked.
    if body.count(b"[") + body.count(b"{") > JSON_DEPTH_MAX or body.count(b",") >= JSON_ARRAY_MAX:
        _walk(body)


def require_no_body(body: bytes) -> None:
    """Refuses a body where the operation takes none; an empty object counts as none."""
    if body.strip() not in (b"", b"{}"):
        raise InvalidInputError("this request takes no body", field="$")


def idempotency_key_of(headers: Mapping[bytes, bytes]) -> str:
    """Returns the Idempotency-Key in its one spelling.

    Raises:
        InvalidInputError: it is missing or no UUID.
    """
    key = headers.get(b"idempotency-key")
    if key is None:
        raise InvalidInputError("this request needs an Idempotency-Key header", field="Idempotency-Key")
    if _UUID.fullmatch(key) is None:
        raise InvalidInputError("the Idempotency-Key must be a UUID", field="Idempotency-Key")
    return key.decode("ascii").lower()


def _walk(body: bytes) -> None:
    """Follows brackets and commas without building values; stops at the first bound that is passed."""
    counts: list[int] = []
    for match in _JSON_MARKS.finditer(body):
        mark = match[0]
        if mark in (b"[", b"{"):
            counts.append(1)
            if len(counts) > JSON_DEPTH_MAX:
                raise InvalidInputError(f"the JSON is nested deeper than {JSON_DEPTH_MAX}", field="$")
        elif mark in (b"]", b"}"):
            if counts:
                counts.pop()
        elif mark == b"," and counts:
            counts[-1] += 1
            if counts[-1] > JSON_ARRAY_MAX:
                raise InvalidInputError(f"an array or object holds more than {JSON_ARRAY_MAX} members", field="$")
