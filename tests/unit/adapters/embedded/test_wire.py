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


@pytest.mark.parametrize("body_size", [0, 100, 127, 20_000])
def test_framing_by_hand_is_protobuf(body_size: int) -> None:
    """The bytes sent are those that protobuf itself would write around the packed operation, at every length."""
    operation = WriteEach([Put(Item(Key("P", "S"), bytes(body_size)))])
    sent = wire.encode_operation(operation)

    assert pb.ExecuteRequest.FromString(sent).SerializeToString() == sent


def test_spelled_operation_is_understood() -> None:
    """An operation in the fields of the contract is read as well as a packed one."""
    write = pb.Write(
        kind=pb.Write.KIND_PUT,
        item=pb.Item(partition="P", sort="S", body=b"b", version=2, due_bucket="B", due_at_ms=5),
        condition=pb.Condition(kind=pb.Condition.KIND_VERSION_EQUALS, value=1),
    )

    assert wire.decode_operation(pb.Operation(transact=pb.Transact(writes=[write]))) == Transact(
        [Put(Item(Key("P", "S"), b"b", version=2, due=Due("B", 5)), VersionEquals(1))]
    )


@pytest.mark.parametrize(
    "packed",
    [b"\xc1", b"\x91\xa4Late", b"\x92\xaeDeleteMessages\x91\xa1\xff", b"\x92\xa9WriteEach\x91\x91\xa5Check"],
    ids=["no MessagePack", "unknown kind", "broken text", "check among each"],
)
def test_packed_operation_of_another_version_is_refused(packed: bytes) -> None:
    """What cannot be unpacked is refused, never half done."""
    with pytest.raises(errors.InvalidInputError):
        wire.decode_operation(pb.Operation(packed=packed))


@pytest.mark.parametrize("item", [Item(Key("P", "\ud800"), b""), Item(Key("P", "S"), b"", version=2**70)])
def test_what_cannot_be_sent_is_refused(item: Item) -> None:
    """Broken text and numbers beyond 64 bits are the caller's error, found before anything is sent."""
    with pytest.raises(errors.InvalidInputError):
        wire.encode_operation(WriteEach([Put(item)]))
