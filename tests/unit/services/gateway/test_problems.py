"""Errors as HTTP shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.gateway.problems import STATUS_BY_CODE, STATUS_BY_REFUSAL, Refusal, answer_of, refuse
from syncwell.domain import errors

TRACE = "0af7651916cd43dd8448eb211c80319c"


def tree(root: type[errors.SyncWellError]) -> Iterator[type[errors.SyncWellError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def test_every_error_has_a_status() -> None:
    """The table knows every error of the tree and nothing else."""
    assert set(STATUS_BY_CODE) == {error_class.code for error_class in tree(errors.SyncWellError)}
    assert set(STATUS_BY_REFUSAL) == set(Refusal)


def test_problem_carries_code_detail_fields_and_trace() -> None:
    """A program reads the code and fields, a person the detail, the operator the trace."""
    answer = answer_of(errors.UnsupportedPairError("garmin cannot be written", field="deletes"), TRACE, lambda: 0.0)

    assert answer.content_type == "application/problem+json"
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "code": "unsupported_pair",
        "detail": "garmin cannot be written",
        "correlationId": TRACE,
        "fields": {"field": "deletes"},
    }


@pytest.mark.parametrize("error_class", [errors.SyncWellError, errors.SetupError, errors.StaleNativeBuildError])
def test_what_is_wrong_inside_stays_inside(error_class: type[errors.SyncWellError]) -> None:
    """A 500 tells neither message nor fields."""
    answer = answer_of(error_class("/etc/secret is missing", path="/etc/secret"), TRACE, lambda: 0.0)

    assert answer.status == 500
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    ("error", "least"),
    [
        (errors.StoreUnavailableError("down"), 1),
        (errors.StorageFullError("full"), 1),
        (errors.OutcomeUnknownError("lost"), 1),
        (errors.RequestInProgressError("runs"), 1),
        (errors.LimitExceededError("slow down", retry_after=timedelta(seconds=30)), 30),
        (errors.ProviderThrottledError("later", retry_after=timedelta(seconds=90)), 90),
    ],
)
def test_who_may_come_back_is_told_when(error: errors.SyncWellError, least: int) -> None:
    """Retry-After is never before the error's own time, and spread over some seconds."""
    soonest = dict(answer_of(error, TRACE, lambda: 0.0).headers)[b"retry-after"]
    latest = dict(answer_of(error, TRACE, lambda: 0.999).headers)[b"retry-after"]

    assert int(soonest) == least
    assert least < int(latest) <= least + 4


def test_refusals_of_http_have_codes_and_statuses_of_their_own() -> None:
    """A wrong method is 405 with Allow, and the field that carries it is not shown twice."""
    with pytest.raises(errors.InvalidInputError) as refused:
        refuse(Refusal.METHOD_NOT_ALLOWED, "this path knows GET", allow="GET")

    answer = answer_of(refused.value, TRACE, lambda: 0.0)

    assert answer.status == 405
    assert (b"allow", b"GET") in answer.headers
    assert json.loads(answer.body)["code"] == "method_not_allowed"
    assert "fields" not in json.loads(answer.body)
