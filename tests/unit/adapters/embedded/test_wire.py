"""Operations and outcomes survive the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncwell.adapters.embedded import wire
from syncwell.adapters.embedded.operations import (
    AppendEvents,
    DeleteMessages,
    ExtendMessages,
    Operation,
    Outcome,
    SendMessages,
    Transact,
    WriteEach,
)
from syncwell.api.store.v1 import store_pb2 as pb
from syncwell.domain import errors
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import (
    Absent,
    Check,
    Delete,
    Due,
    Exists,
    FenceEquals,
    FenceNotHigher,
    Item,
    Key,
    Put,
    VersionEquals,
)
from syncwell.ports.job_queue import JobClass, JobMessage

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
KEYS = st.builds(Key, TEXTS, TEXTS)
ITEMS = st.builds(
    Item,
    KEYS,
    st.binary(max_size=20),
    INTEGERS,
    INTEGERS,
    st.none() | st.builds(Due, TEXTS, INTEGERS),
    st.none() | TEXTS,
    st.none() | INTEGERS,
    st.none() | INTEGERS,
)
CONDITIONS = st.one_of(
    st.builds(Absent, st.none() | INTEGERS),
    st.just(Exists()),
    st.builds(VersionEquals, INTEGERS),
    st.builds(FenceEquals, INTEGERS),
    st.builds(FenceNotHigher, INTEGERS),
)
CHANGES = st.builds(Put, ITEMS, st.none() | CONDITIONS) | st.builds(Delete, KEYS, st.none() | CONDITIONS)
MESSAGES = st.builds(JobMessage, TEXTS, TEXTS, st.sampled_from(JobClass), TEXTS)
OPERATIONS = st.one_of(
    st.builds(Transact, st.lists(CHANGES | st.builds(Check, KEYS, CONDITIONS), max_size=4)),
    st.builds(WriteEach, st.lists(CHANGES, max_size=4)),
    st.builds(SendMessages, st.lists(MESSAGES, max_size=3), INTEGERS),
    st.builds(ExtendMessages, st.lists(TEXTS, max_size=3), INTEGERS),
    st.builds(DeleteMessages, st.lists(TEXTS, min_size=1, max_size=3)),
    st.builds(AppendEvents, st.lists(st.builds(Event, TEXTS, TEXTS, st.binary(max_size=9)), min_size=1, max_size=3)),
)


@given(st.lists(OPERATIONS, min_size=1, max_size=4))
def test_operations_survive(operations: list[Operation]) -> None:
    """Operations serialised one by one and joined are read as one request, in order and unchanged."""
    request = pb.ExecuteRequest.FromString(b"".join(map(wire.encode_operation, operations)))

    assert [wire.decode_operation(message) for message in request.operations] == operations


@pytest.mark.parametrize("outcome", [None, (True,), (False, True, False)])
def test_ordinary_outcomes_survive(outcome: Outcome) -> None:
    """Done, and done for some."""
    assert wire.decode_outcome(wire.encode_outcome(outcome)) == outcome


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInputError("change it", field="body"),
        errors.OutcomeUnknownError("perhaps"),
        errors.StorageFullError("full"),
        errors.StoreUnavailableError("later"),
    ],
    ids=lambda error: error.code,
)
def test_errors_survive(error: errors.SyncWellError) -> None:
    """An error comes out as the same class with text and fields."""
    back = wire.decode_outcome(wire.encode_outcome(error))

    assert type(back) is type(error)
    assert isinstance(back, errors.SyncWellError)
    assert (back.message, back.fields) == (error.message, error.fields)


def test_refused_positions_survive() -> None:
    """The client learns which writes were refused."""
    back = wire.decode_outcome(wire.encode_outcome(errors.ConditionFailedError([0, 3])))

    assert isinstance(back, errors.ConditionFailedError)
    assert back.failed == (0, 3)


def test_unknown_error_is_an_unknown_outcome() -> None:
    """An error of a newer store claims nothing about what was written."""
    result = pb.Result()
    result.error.code = "from_the_future"

    assert isinstance(wire.decode_outcome(result), errors.OutcomeUnknownError)


@pytest.mark.parametrize(
    "message",
    [
        pb.Operation(),
        pb.Operation(transact=pb.Transact(writes=[pb.Write()])),
        pb.Operation(transact=pb.Transact(writes=[pb.Write(kind=pb.Write.KIND_CHECK)])),
        pb.Operation(write_each=pb.WriteEach(writes=[pb.Write(kind=pb.Write.KIND_PUT, condition=pb.Condition())])),
        pb.Operation(
            write_each=pb.WriteEach(
                writes=[pb.Write(kind=pb.Write.KIND_CHECK, condition=pb.Condition(kind=pb.Condition.KIND_EXISTS))]
            )
        ),
        pb.Operation(send_messages=pb.SendMessages(messages=[pb.Message(job_class="urgent")])),
    ],
    ids=["no kind", "no write kind", "check of nothing", "no condition kind", "check among each", "unknown class"],
)
def test_message_of_another_version_is_refused(message: pb.Operation) -> None:
    """What this version does not understand is refused, never half done."""
    with pytest.raises(errors.InvalidInputError):
        wire.decode_operation(message)
