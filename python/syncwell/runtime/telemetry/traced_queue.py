"""A queue whose messages carry the span that sent them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from syncwell.ports.job_queue import Delivery, JobClass, JobMessage, JobQueue
from syncwell.ports.tracer import SpanKind, Tracer, correlation_of, current_parent


class TracedJobQueue(JobQueue):
    """Puts a producer span around each send and its trace parent into the messages of the same trace."""

    def __init__(self, queue: JobQueue, tracer: Tracer) -> None:
        self._queue = queue
        self._tracer = tracer

    async def send(self, messages: Sequence[JobMessage], *, delay: timedelta = timedelta(0)) -> None:
        """Sends; messages of other traces keep what they carry."""
        with self._tracer.span("queue send", SpanKind.PRODUCER, messages=len(messages)):
            parent = current_parent.get()
            await self._queue.send([_with_parent(message, parent) for message in messages], delay=delay)

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility: timedelta, wait: timedelta
    ) -> tuple[Delivery, ...]:
        """Receives; most receives find nothing and deserve no span."""
        return await self._queue.receive(job_class, limit=limit, visibility=visibility, wait=wait)

    async def extend(self, receipts: Sequence[str], *, visibility: timedelta) -> None:
        """Extends."""
        await self._queue.extend(receipts, visibility=visibility)

    async def delete(self, receipts: Sequence[str]) -> None:
        """Acknowledges."""
        await self._queue.delete(receipts)

    async def depth(self, job_class: JobClass) -> int:
        """Returns the depth."""
        return await self._queue.depth(job_class)


def _with_parent(message: JobMessage, parent: str) -> JobMessage:
    is_ours = message.trace in ("", parent) or correlation_of(message.trace) == correlation_of(parent)
    return replace(message, trace=parent) if is_ours and parent else message
