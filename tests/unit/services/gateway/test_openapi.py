"""The document and the routes tell the same story."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unittest.mock import sentinel

import pytest
from openapi_spec_validator import validate

from services.gateway.admin_routes import DeadLetterView, RedriveView
from services.gateway.assembly import Collaborators, make_operations
from services.gateway.bodies import (
    ChangedSyncConfig,
    DateRangeBody,
    DecisionAnswer,
    DecisionAnswers,
    NewSyncConfig,
    NewSyncJob,
    RedriveRequest,
)
from services.gateway.connection_routes import CompletedView, ConfirmationBody
from services.gateway.operations import Kind, Operation
from services.gateway.system_routes import load_document
from services.gateway.views import (
    ConsentView,
    CountsView,
    DecisionView,
    JobView,
    LinkedAccountView,
    ProgressView,
    ProviderView,
    SyncConfigView,
)
from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.job_reasons import FailureReason, WaitReason
from syncwell.domain.jobs import JobState
from syncwell.domain.records import DataType
from syncwell.domain.resolution import Outcome, Strategy
from syncwell.ports.job_queue import JobClass
from syncwell.providers.registry import InstalledProviders
from tests.unit.fakes.clock import FakeClock

DOCUMENT = load_document()


@pytest.fixture(scope="module")
def operations() -> Sequence[Operation]:
    clock = FakeClock()
    return make_operations(
        Collaborators(
            items=sentinel.items,
            queue=sentinel.queue,
            connector=sentinel.connector,
            registry=InstalledProviders([], clock),
            clock=clock,
            history=sentinel.history,
            issuers=[],
            bucket_of=len,
            job_id_key=b"k" * 32,
            public_url="http://localhost",
            request_seconds=1,
            source_events=sentinel.source_events,
            webhooks_of=lambda _: None,
            webhook_key=b"w" * 32,
            checks={},
        )
    )


def declared() -> dict[str, tuple[str, str, dict[str, object]]]:
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def test_document_is_valid_openapi() -> None:
    """The document keeps the rules of OpenAPI 3.0."""
    validate(DOCUMENT)


def test_every_operation_has_its_route_and_every_route_its_operation(operations: Sequence[Operation]) -> None:
    """Ids, methods and paths agree both ways, and none appears twice."""
    served = {operation.operation_id: (operation.method, operation.path) for operation in operations}

    assert len(served) == len(operations)
    assert served == {name: (method, path) for name, (method, path, _) in declared().items()}


def test_public_routes_are_those_that_the_document_opens(operations: Sequence[Operation]) -> None:
    """An operation needs a token unless the document says `security: []`."""
    public = {operation.operation_id for operation in operations if not operation.kind.needs_user}

    assert public == {name for name, (_, _, operation) in declared().items() if operation.get("security") == []}


def test_routes_that_change_something_ask_for_a_key(operations: Sequence[Operation]) -> None:
    """Exactly the operations with an Idempotency-Key parameter need one: all but GET and providers' deliveries."""
    needing = {operation.operation_id for operation in operations if operation.kind.needs_key}
    asking = {
        name
        for name, (_, _, operation) in declared().items()
        if {"$ref": "#/components/parameters/IdempotencyKey"} in operation.get("parameters", [])  # type: ignore[operator]  # reason: mixed types
    }

    assert needing == asking
    changing = [one for one in operations if one.method != "GET" and one.kind is not Kind.WEBHOOK]
    assert needing == {operation.operation_id for operation in changing}


def test_reads_of_users_declare_their_etag(operations: Sequence[Operation]) -> None:
    """Every user GET may answer 304, and no other operation does."""
    reading = {operation.operation_id for operation in operations if operation.kind is Kind.READ}

    assert reading == {name for name, (_, _, operation) in declared().items() if "304" in operation["responses"]}  # type: ignore[operator]  # reason: mixed types


def test_bodies_are_read_where_they_are_declared(operations: Sequence[Operation]) -> None:
    """An operation reads a body if and only if the document has one."""
    with_body = {one.operation_id for one in operations if one.has_body or one.kind is Kind.WEBHOOK}
    assert with_body == {name for name, (_, _, operation) in declared().items() if "requestBody" in operation}


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (NewSyncJob, "NewSyncJob"),
        (DateRangeBody, "DateRange"),
        (NewSyncConfig, "NewSyncConfig"),
        (ChangedSyncConfig, "ChangedSyncConfig"),
        (ProviderView, "Provider"),
        (LinkedAccountView, "Connection"),
        (ConsentView, "Authorization"),
        (CompletedView, "CompletedConnection"),
        (ConfirmationBody, "ConnectionConfirmation"),
        (SyncConfigView, "SyncConfig"),
        (JobView, "SyncJob"),
        (ProgressView, "Progress"),
        (CountsView, "Counts"),
        (DecisionView, "Decision"),
        (RedriveRequest, "RedriveRequest"),
        (DecisionAnswers, "DecisionAnswers"),
        (DecisionAnswer, "DecisionAnswer"),
        (DeadLetterView, "DeadLetter"),
        (RedriveView, "Redrive"),
    ],
)
def test_fields_are_those_of_the_schema(kind: type, schema: str) -> None:
    """A type in the code and its schema have the same fields."""
    fields = {re.sub(r"_(.)", lambda match: match[1].upper(), name) for name in kind.__struct_fields__}  # type: ignore[attr-defined]  # reason: a msgspec Struct has it

    assert fields == set(DOCUMENT["components"]["schemas"][schema]["properties"])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataType, DOCUMENT["components"]["schemas"]["DataType"]["enum"]),
        (Strategy, DOCUMENT["components"]["schemas"]["ConflictStrategy"]["enum"]),
        (ConnectionStatus, DOCUMENT["components"]["schemas"]["ConnectionStatus"]["enum"]),
        (JobState, DOCUMENT["components"]["schemas"]["JobStatus"]["enum"]),
        (WaitReason, DOCUMENT["components"]["schemas"]["WaitReason"]["enum"]),
        (FailureReason, DOCUMENT["components"]["schemas"]["FailureReason"]["enum"]),
        (JobClass, DOCUMENT["components"]["schemas"]["JobClass"]["enum"]),
        (Outcome, DOCUMENT["components"]["schemas"]["Decision"]["properties"]["outcome"]["enum"]),
    ],
)
def test_closed_lists_are_equal(kind: type[DataType], values: list[str]) -> None:
    """A closed list in the code and in the document hold the same values."""
    assert {each.value for each in kind} == set(values)
