"""The item store, job queue and event log of the embedded profile, over either transport."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import apsw

from syncwell.adapters.embedded.operations import (
    AppendEvents,
    DeleteMessages,
    ExtendMessages,
    SendMessages,
    Transact,
    WriteEach,
    raise_if_error,
)
from syncwell.adapters.embedded.store_file import StoreFile
from syncwell.adapters.embedded.transport import StoreTransport
from syncwell.adapters.embedded.write_rules import check_each, check_transaction
from syncwell.domain.errors import InvalidInputError, OutcomeUnknownError, StoreUnavailableError
from syncwell.ports.event_log import Event, EventLog, LoggedEvent
from syncwell.ports.item_store import Delete, Item, ItemStore, Key, Page, Put, Write
from syncwell.ports.job_queue import DELAY_MAX, Delivery, JobClass, JobMessage, JobQueue

GET_MANY_MAX = 1_000
RECEIVE_MAX = 1_000
READ_EVENTS_MAX = 1_000

_T = TypeVar("_T")


class _Reading:
    """Opens the file at the first read, so that clients may start before the store process."""

    def __init__(self, transport: StoreTransport) -> None:
        self._transport = transport
        self._file: StoreFile | None = None

    def _look(self, look: Callable[[StoreFile], _T]) -> _T:
        """Returns what `look` finds.

        Raises:
            StoreUnavailableError: nothing could be read.
        """
        try:
            if self._file is None:
                self._file = StoreFile(self._transport.path)
            return look(self._file)
        except apsw.Error as exc:
            raise StoreUnavailableError(f"the store's file cannot be read ({type(exc).__name__})") from exc

    def close(self) -> None:
        """Lets go of the file; a later read opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


class EmbeddedItemStore(_Reading, ItemStore):
    """Items: writes through the transport, reads straight from the file, strong always."""

    async def get(self, key: Key, *, strong: bool = True) -> Item | None:  # noqa: ARG002 - every read here is strong
        """Returns the item at `key`, or None."""
        return self._look(lambda file: file.items.get(key))

    async def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Returns the items that exist among `keys`."""
        if len(keys) > GET_MANY_MAX:
            raise InvalidInputError(f"at most {GET_MANY_MAX} keys are read together", field="keys")
        return self._look(lambda file: file.items.get_many(keys))

    async def query(
        self,
        partition: str,
        *,
        sort_prefix: str = "",
        limit: int = 100,
        cursor: str | None = None,
        is_descending: bool = False,
    ) -> Page:
        """Returns a page of one partition."""
        return self._look(
            lambda file: file.items.query(
                partition, sort_prefix=sort_prefix, limit=limit, cursor=cursor, is_descending=is_descending
            )
        )

    async def query_by_time(
        self, partition: str, *, sort_prefix: str = "", limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Returns a page of one partition's timed items, newest first."""
        return self._look(
            lambda file: file.items.query_by_time(partition, sort_prefix=sort_prefix, limit=limit, cursor=cursor)
        )

    async def query_due(self, bucket: str, *, until_ms: int, limit: int = 100, cursor: str | None = None) -> Page:
        """Returns a page of due items, earliest first."""
        return self._look(lambda file: file.items.query_due(bucket, until_ms=until_ms, limit=limit, cursor=cursor))

    async def query_reauth(self, status: str, *, limit: int = 100, cursor: str | None = None) -> Page:
        """Returns a page of items by re-authentication status."""
        return self._look(lambda file: file.items.query_reauth(status, limit=limit, cursor=cursor))

    async def transact(self, writes: Sequence[Write]) -> None:
        """Does all `writes` or none."""
        check_transaction(writes)
        if writes:
            raise_if_error(await self._transport.execute(Transact(writes)))

    async def write_each(self, writes: Sequence[Put | Delete]) -> tuple[bool, ...]:
        """Does each write on its own condition."""
        check_each(writes)
        return raise_if_error(await self._transport.execute(WriteEach(writes))) if writes else ()


class EmbeddedJobQueue(_Reading, JobQueue):
    """Job queues in the store."""

    async def send(self, messages: Sequence[JobMessage], *, delay: timedelta = timedelta(0)) -> None:
        """Sends `messages`."""
        if not timedelta(0) <= delay <= DELAY_MAX:
            raise InvalidInputError(f"a delay lasts 0 to {DELAY_MAX.total_seconds():.0f} s", field="delay")
        if messages:
            await self._write(SendMessages(messages, _milliseconds(delay)))

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility: timedelta, wait: timedelta
    ) -> tuple[Delivery, ...]:
        """Returns visible messages, waiting for one."""
        if not 1 <= limit <= RECEIVE_MAX:
            raise InvalidInputError(f"1 to {RECEIVE_MAX} messages are received together", field="limit")
        return await self._transport.receive(
            job_class, limit=limit, visibility_ms=_milliseconds(visibility), wait_ms=_milliseconds(wait)
        )

    async def extend(self, receipts: Sequence[str], *, visibility: timedelta) -> None:
        """Hides messages for longer."""
        if receipts:
            await self._write(ExtendMessages(receipts, _milliseconds(visibility)))

    async def delete(self, receipts: Sequence[str]) -> None:
        """Acknowledges messages."""
        if receipts:
            await self._write(DeleteMessages(receipts))

    async def depth(self, job_class: JobClass) -> int:
        """Returns the number of messages of a class."""
        return self._look(lambda file: file.depth(job_class))

    async def _write(self, operation: SendMessages | ExtendMessages | DeleteMessages) -> None:
        try:
            raise_if_error(await self._transport.execute(operation))
        except OutcomeUnknownError as exc:
            # The queue is a hint: doing it again is harmless, so its callers know one kind of trouble only.
            raise StoreUnavailableError(exc.message) from exc


class EmbeddedEventLog(_Reading, EventLog):
    """The event log in the store."""

    async def append(self, events: Sequence[Event]) -> None:
        """Appends durably."""
        if events:
            raise_if_error(await self._transport.execute(AppendEvents(events)))

    async def read(self, *, after: str | None, limit: int, wait: timedelta) -> tuple[LoggedEvent, ...]:
        """Returns events after the cursor, waiting for the first."""
        if not 1 <= limit <= READ_EVENTS_MAX:
            raise InvalidInputError(f"1 to {READ_EVENTS_MAX} events are read together", field="limit")
        return await self._transport.read_events(after, limit=limit, wait_ms=_milliseconds(wait))

    async def tail(self) -> str:
        """Returns the cursor of the newest event."""
        return self._look(lambda file: file.events.tail())


def _milliseconds(duration: timedelta) -> int:
    return max(0, duration // timedelta(milliseconds=1))
