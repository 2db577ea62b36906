"""The one table between our errors and HTTP, and the shape of an error answer (RFC 9457).

A refusal that only HTTP knows (a method, a media type, a size) is an InvalidInputError whose `refusal` field names it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import NoReturn

import msgspec

from services.gateway.call import Answer
from syncwell.domain import errors

PROBLEM_JSON = "application/problem+json"
RETRY_MIN = timedelta(seconds=1)
RETRY_SPREAD = timedelta(seconds=4)  # so that callers who failed together do not come back together
DETAIL_CHARACTERS_MAX = 500


class Refusal(StrEnum):
    """What HTTP itself has statuses for."""

    NO_SUCH_ROUTE = "no_such_route"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    HEADERS_TOO_LARGE = "headers_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"


STATUS_BY_REFUSAL: dict[str, HTTPStatus] = {
    Refusal.NO_SUCH_ROUTE: HTTPStatus.NOT_FOUND,
    Refusal.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Refusal.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refusal.HEADERS_TOO_LARGE: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    Refusal.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}

STATUS_BY_CODE: dict[str, HTTPStatus] = {
    "invalid_input": HTTPStatus.BAD_REQUEST,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_file": HTTPStatus.BAD_REQUEST,
    "unsupported_pair": HTTPStatus.BAD_REQUEST,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "request_in_progress": HTTPStatus.CONFLICT,
    "version_conflict": HTTPStatus.CONFLICT,
    "account_linked_elsewhere": HTTPStatus.CONFLICT,
    "undo_unsupported": HTTPStatus.CONFLICT,
    "not_authenticated": HTTPStatus.UNAUTHORIZED,
    "permission_denied": HTTPStatus.FORBIDDEN,
    "limit_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "store_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "secret_store_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_full": HTTPStatus.SERVICE_UNAVAILABLE,
    "outcome_unknown": HTTPStatus.SERVICE_UNAVAILABLE,
    "condition_failed": HTTPStatus.CONFLICT,
    "fence_lost": HTTPStatus.CONFLICT,
    "job_cancelled": HTTPStatus.CONFLICT,
    "provider_error": HTTPStatus.BAD_GATEWAY,
    "provider_unavailable": HTTPStatus.BAD_GATEWAY,
    "provider_throttled": HTTPStatus.SERVICE_UNAVAILABLE,
    "provider_refused": HTTPStatus.BAD_REQUEST,
    "provider_invalid": HTTPStatus.BAD_GATEWAY,
    "reauthentication_needed": HTTPStatus.CONFLICT,
    "command_failed": HTTPStatus.INTERNAL_SERVER_ERROR,
    "setup": HTTPStatus.INTERNAL_SERVER_ERROR,
    "stale_native_build": HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}

_RETRY_STATUSES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_INTERNAL_DETAIL = "an internal error; it was logged under this correlation id"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The body of an error answer."""

    title: str
    status: int
    code: str
    detail: str
    correlation_id: str
    fields: dict[str, str] = {}
    type: str = msgspec.field(default_factory=lambda: "about:blank")


def refuse(refusal: Refusal, message: str, **fields: str) -> NoReturn:
    """Raises the error that ends a request as `refusal`."""
    raise errors.InvalidInputError(message, refusal=refusal, **fields)


def status_of(error: errors.SyncWellError) -> HTTPStatus:
    """Returns the HTTP status of an error."""
    refusal = error.fields.get("refusal")
    return STATUS_BY_CODE[error.code] if refusal is None else STATUS_BY_REFUSAL[refusal]


def problem_of(error: errors.SyncWellError, correlation_id: str) -> Problem:
    """Returns `error` as people and programs outside may see it; what is wrong inside stays inside."""
    status = status_of(error)
    fields = dict(error.fields)
    code = fields.pop("refusal", error.code)
    fields.pop("allow", None)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status.phrase, status.value, "internal", _INTERNAL_DETAIL, correlation_id)
    return Problem(status.phrase, status.value, code, str(error)[:DETAIL_CHARACTERS_MAX], correlation_id, fields)


def answer_of(error: errors.SyncWellError, correlation_id: str, random: Callable[[], float]) -> Answer:
    """Returns the problem+json answer of `error`, with the headers that its status calls for."""
    problem = problem_of(error, correlation_id)
    return Answer(
        problem.status, msgspec.json.encode(problem), PROBLEM_JSON, tuple(_headers_of(error, problem.status, random))
    )


def _headers_of(error: errors.SyncWellError, status: int, random: Callable[[], float]) -> list[tuple[bytes, bytes]]:
    headers = []
    if status in _RETRY_STATUSES or isinstance(error, errors.RequestInProgressError):
        headers.append((b"retry-after", str(_retry_seconds(error, random)).encode()))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="syncwell"'))
    if "allow" in error.fields:
        headers.append((b"allow", error.fields["allow"].encode()))
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE):
        headers.append((b"connection", b"close"))  # what is left of the body is not read
    return headers


def _retry_seconds(error: errors.SyncWellError, random: Callable[[], float]) -> int:
    """Returns whole seconds: not before the error says so, and spread."""
    least = RETRY_MIN
    if isinstance(error, errors.LimitExceededError | errors.ProviderThrottledError) and error.retry_after is not None:
        least = max(least, error.retry_after)
    return math.ceil((least + RETRY_SPREAD * random()).total_seconds())
