"""Operations and outcomes as protobuf messages, both ways: what the client and the store process share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

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
from syncwell.api.common.v1.common_pb2 import ErrorDetail
from syncwell.api.store.v1 import store_pb2 as pb
from syncwell.domain import errors
from syncwell.ports.event_log import Event, LoggedEvent
from syncwell.ports.item_store import (
    Absent,
    Check,
    Condition,
    Delete,
    Due,
    Exists,
    FenceEquals,
    FenceNotHigher,
    Item,
    Key,
    Put,
    VersionEquals,
    Write,
)
from syncwell.ports.job_queue import Delivery, JobClass, JobMessage

# The protobuf framing of a packed operation, by hand: there is nothing to it but two lengths.
_OPERATIONS_TAG = bytes([pb.ExecuteRequest.OPERATIONS_FIELD_NUMBER << 3 | 2])
_PACKED_TAG = bytes([pb.Operation.PACKED_FIELD_NUMBER << 3 | 2])
_VARINT_STEP = 0x80
_ONE_BYTE = [bytes([number]) for number in range(_VARINT_STEP)]

_pack = msgspec.msgpack.Encoder().encode
_unpack: Callable[[bytes], Operation] = msgspec.msgpack.Decoder(Operation).decode

_ORDINARY: dict[tuple[bool, ...] | None, pb.Result] = {
    None: pb.Result(),
    (True,): pb.Result(done=[True]),
    (False,): pb.Result(done=[False]),
}

_ERRORS: dict[str, type[errors.SyncWellError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidInputError,
        errors.OutcomeUnknownError,
        errors.StorageFullError,
        errors.StoreUnavailableError,
    )
}


def encode_operation(operation: Operation) -> bytes:
    """Returns an ExecuteRequest with this one operation; several of them concatenated are one request.

    Raises:
        InvalidInputError: it holds text or a number that cannot be sent.
    """
    try:
        packed = _pack(operation)
    except (UnicodeEncodeError, OverflowError, TypeError) as exc:
        raise errors.InvalidInputError("the write holds text or a number that cannot be stored") from exc
    inner = b"%b%b%b" % (_PACKED_TAG, _varint(len(packed)), packed)
    return b"%b%b%b" % (_OPERATIONS_TAG, _varint(len(inner)), inner)


def decode_operation(message: pb.Operation) -> Operation:
    """Returns the operation.

    Raises:
        InvalidInputError: it is of no kind that this version knows.
    """
    packed = message.packed
    return _decode_packed(packed) if packed else _decode_spelled(message)


def _decode_packed(packed: bytes) -> Operation:
    try:
        return _unpack(packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise errors.InvalidInputError("unknown operation; are client and store of the same version?") from exc


def _decode_spelled(message: pb.Operation) -> Operation:
    match message.WhichOneof("kind"):
        case "transact":
            return Transact([_decode_write(write) for write in message.transact.writes])
        case "write_each":
            return WriteEach([_decode_change(write) for write in message.write_each.writes])
        case "send_messages":
            send = message.send_messages
            return SendMessages([decode_message(one) for one in send.messages], send.delay_ms)
        case "extend_messages":
            return ExtendMessages(list(message.extend_messages.receipts), message.extend_messages.visibility_ms)
        case "delete_messages":
            return DeleteMessages(list(message.delete_messages.receipts))
        case "append_events":
            return AppendEvents([decode_event(event) for event in message.append_events.events])
    raise errors.InvalidInputError("unknown operation; are client and store of the same version?")


def encode_outcome(outcome: Outcome) -> pb.Result:
    """Returns the result message; it may be shared, so nobody may change it."""
    if outcome is None or isinstance(outcome, tuple):
        return _ORDINARY.get(outcome) or pb.Result(done=outcome or ())
    if isinstance(outcome, errors.ConditionFailedError):
        return pb.Result(refused=outcome.failed)
    detail = ErrorDetail(code=outcome.code, message=outcome.message, fields=outcome.fields)
    return pb.Result(error=detail)


def decode_outcome(result: pb.Result) -> Outcome:
    """Returns the outcome; an error of an unknown code counts as an unknown outcome."""
    done = result.done
    if done:
        return tuple(done)
    if result.refused:
        return errors.ConditionFailedError(result.refused)
    if result.HasField("error"):
        kind = _ERRORS.get(result.error.code, errors.OutcomeUnknownError)
        return kind(result.error.message, **result.error.fields)
    return None


def encode_message(message: JobMessage) -> pb.Message:
    """Returns the protobuf form."""
    return pb.Message(
        user_id=message.user_id, job_id=message.job_id, job_class=message.job_class.value, trace=message.trace
    )


def decode_message(message: pb.Message) -> JobMessage:
    """Returns the value.

    Raises:
        InvalidInputError: the class is unknown.
    """
    return JobMessage(message.user_id, message.job_id, decode_class(message.job_class), message.trace)


def decode_class(name: str) -> JobClass:
    """Returns the queue class.

    Raises:
        InvalidInputError: there is no such class.
    """
    try:
        return JobClass(name)
    except ValueError as exc:
        raise errors.InvalidInputError("unknown job class", field="job_class") from exc


def encode_deliveries(deliveries: Iterable[Delivery]) -> pb.ReceiveMessagesResponse:
    """Returns the protobuf form."""
    return pb.ReceiveMessagesResponse(
        deliveries=[
            pb.Delivery(message=encode_message(one.message), receipt=one.receipt, receive_count=one.receive_count)
            for one in deliveries
        ]
    )


def decode_deliveries(response: pb.ReceiveMessagesResponse) -> tuple[Delivery, ...]:
    """Returns the values."""
    return tuple([Delivery(decode_message(one.message), one.receipt, one.receive_count) for one in response.deliveries])


def encode_event(event: Event) -> pb.Event:
    """Returns the protobuf form."""
    return pb.Event(event_id=event.event_id, user_id=event.user_id, body=event.body)


def decode_event(event: pb.Event) -> Event:
    """Returns the value."""
    return Event(event.event_id, event.user_id, event.body)


def encode_events(events: Iterable[LoggedEvent]) -> pb.ReadEventsResponse:
    """Returns the protobuf form."""
    return pb.ReadEventsResponse(
        events=[pb.LoggedEvent(cursor=logged.cursor, event=encode_event(logged.event)) for logged in events]
    )


def decode_events(response: pb.ReadEventsResponse) -> tuple[LoggedEvent, ...]:
    """Returns the values."""
    return tuple([LoggedEvent(logged.cursor, decode_event(logged.event)) for logged in response.events])


def _varint(number: int) -> bytes:
    if number < _VARINT_STEP:
        return _ONE_BYTE[number]
    parts = bytearray()
    while number >= _VARINT_STEP:
        parts.append(number & (_VARINT_STEP - 1) | _VARINT_STEP)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _decode_write(message: pb.Write) -> Write:
    condition = _decode_condition(message.condition) if message.HasField("condition") else None
    if message.kind == pb.Write.KIND_PUT:
        return Put(_decode_item(message.item), condition)
    key = Key(message.item.partition, message.item.sort)
    if message.kind == pb.Write.KIND_DELETE:
        return Delete(key, condition)
    if message.kind == pb.Write.KIND_CHECK and condition is not None:
        return Check(key, condition)
    raise errors.InvalidInputError("unknown write; are client and store of the same version?")


def _decode_change(message: pb.Write) -> Put | Delete:
    write = _decode_write(message)
    if isinstance(write, Check):
        raise errors.InvalidInputError("a check belongs into a transaction")
    return write


def _decode_item(item: pb.Item) -> Item:
    has = item.HasField
    return Item(
        Key(item.partition, item.sort),
        item.body,
        item.version,
        item.fence,
        Due(item.due_bucket, item.due_at_ms) if has("due_bucket") else None,
        item.reauth if has("reauth") else None,
        item.at_ms if has("at_ms") else None,
        item.expires_at_ms if has("expires_at_ms") else None,
    )


def _decode_condition(condition: pb.Condition) -> Condition:
    kind = condition.kind
    if kind == pb.Condition.KIND_VERSION_EQUALS:
        return VersionEquals(condition.value)
    if kind == pb.Condition.KIND_ABSENT:
        return Absent(condition.value if condition.HasField("value") else None)
    if kind == pb.Condition.KIND_FENCE_EQUALS:
        return FenceEquals(condition.value)
    if kind == pb.Condition.KIND_FENCE_NOT_HIGHER:
        return FenceNotHigher(condition.value)
    if kind == pb.Condition.KIND_EXISTS:
        return Exists()
    raise errors.InvalidInputError("unknown condition; are client and store of the same version?")
