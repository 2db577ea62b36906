"""What the store can be asked to write: one class an operation, the same in process and over the socket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncwell.domain.errors import SyncWellError
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Delete, Put, Write
from syncwell.ports.job_queue import JobMessage


@dataclass(frozen=True, slots=True)
class Transact:
    """All writes or none."""

    writes: Sequence[Write]


@dataclass(frozen=True, slots=True)
class WriteEach:
    """Each write on its own condition."""

    writes: Sequence[Put | Delete]


@dataclass(frozen=True, slots=True)
class SendMessages:
    """Enqueues messages, visible after `delay_ms`."""

    messages: Sequence[JobMessage]
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class ExtendMessages:
    """Hides messages for `visibility_ms` from now."""

    receipts: Sequence[str]
    visibility_ms: int


@dataclass(frozen=True, slots=True)
class DeleteMessages:
    """Acknowledges messages."""

    receipts: Sequence[str]


@dataclass(frozen=True, slots=True)
class AppendEvents:
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
