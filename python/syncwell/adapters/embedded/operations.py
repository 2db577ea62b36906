"""What the store can be asked to write: one class an operation, the same in process and over the socket.

Structs with a tag: MessagePack of one says which operation it is, and is what the hot roads send.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from syncwell.domain.errors import SyncWellError
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Delete, Put, Write
from syncwell.ports.job_queue import JobMessage


class Transact(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """All writes or none."""

    writes: Sequence[Write]


class WriteEach(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Each write on its own condition."""

    writes: Sequence[Put | Delete]


class SendMessages(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Enqueues messages, visible after `delay_ms`."""

    messages: Sequence[JobMessage]
    delay_ms: int = 0


class ExtendMessages(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Hides messages for `visibility_ms` from now."""

    receipts: Sequence[str]
    visibility_ms: int


class DeleteMessages(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Acknowledges messages."""

    receipts: Sequence[str]


class AppendEvents(Struct, frozen=True, array_like=True, gc=False, tag=True):
    """Appends to the event log."""

    events: Sequence[Event]


Operation = Transact | WriteEach | SendMessages | ExtendMessages | DeleteMessages | AppendEvents

# None: done. A tuple: for each write of a WriteEach whether it was done. An error: nothing of the operation was done
# (OutcomeUnknownError: perhaps it was).
Outcome = tuple[bool, ...] | SyncWellError | None


def raise_if_error(outcome: Outcome) -> tuple[bool, ...]:
    """Returns what a WriteEach did (empty for other operations).

    Raises:
        SyncWellError: the operation failed.
    """
    if isinstance(outcome, SyncWellError):
        raise outcome
    return outcome or ()
