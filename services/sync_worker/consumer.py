"""Takes messages of one class from the queue and runs their jobs side by side, each message on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import structlog

from services.sync_worker.job_meter import JobMeter
from syncwell.adapters.grpc.channel import correlation_id
from syncwell.domain.errors import OutcomeUnknownError, SyncWellError, UnavailableError
from syncwell.domain.jobs import JobId
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.ports.job_queue import DELAY_MAX, Delivery, JobClass, JobQueue
from syncwell.ports.tracer import correlation_of
from syncwell.usecases.run_sync import Receipt, RunResult

PAUSE_AFTER_TROUBLE = timedelta(seconds=1)  # a store that is away is not asked in a tight loop

log = structlog.get_logger()


class Runner(Protocol):
    """Runs one job; `RunSync` is one."""

    async def run(
        self, user_id: UserId, job_id: JobId, *, on_beat: Callable[[], Awaitable[None]] | None = None
    ) -> RunResult:
        """See `RunSync.run`."""
        ...


class Consumer:
    """One class's share of a worker. Never holds more messages than it runs."""

    def __init__(
        self,
        *,
        queue: JobQueue,
        runner: Runner,
        clock: Clock,
        job_class: JobClass,
        jobs_at_once: int,
        batch: int,
        lease: timedelta,
        wait: timedelta,
        meter: JobMeter | None = None,
    ) -> None:
        self._queue = queue
        self._runner = runner
        self._clock = clock
        self._job_class = job_class
        self._free = jobs_at_once
        self._place_freed = asyncio.Event()
        self._batch = batch
        self._lease = lease
        self._wait = wait
        self._meter = meter or JobMeter()
        self._running: set[asyncio.Task[None]] = set()

    async def consume(self) -> None:
        """Takes and starts messages until it is cancelled; what was started goes on until `drain`."""
        while True:
            while self._free == 0:
                self._place_freed.clear()
                await self._place_freed.wait()
            for delivery in await self._receive():
                self._start(delivery)

    async def drain(self, *, within_seconds: float) -> None:
        """Waits for running jobs; hands back those that are not done in time."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=within_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _receive(self) -> tuple[Delivery, ...]:
        try:
            return await self._queue.receive(
                self._job_class, limit=min(self._batch, self._free), visibility=self._lease, wait=self._wait
            )
        except SyncWellError as exc:
            log.warning("receive_failed", error=type(exc).__name__, job_class=self._job_class)
            await self._clock.sleep(PAUSE_AFTER_TROUBLE)
            return ()

    def _start(self, delivery: Delivery) -> None:
        self._free -= 1
        task = asyncio.create_task(self._handle(delivery))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free += 1
        self._place_freed.set()

    async def _handle(self, delivery: Delivery) -> None:
        message = delivery.message
        correlation_id.set(correlation_of(message.trace))
        try:
            result = await self._meter.around(message, lambda: self._run(delivery))
            await self._answer(delivery, result)
        except asyncio.CancelledError:
            await self._hide(delivery, timedelta(0))
            raise
        except (UnavailableError, OutcomeUnknownError):
            log.warning("job_left_to_its_lease", job_id=message.job_id)
        except Exception:  # the worker's loop: a message must never end the others
            log.exception("message_failed", job_id=message.job_id)

    async def _run(self, delivery: Delivery) -> RunResult:
        message = delivery.message
        return await self._runner.run(
            UserId(message.user_id), JobId(message.job_id), on_beat=lambda: self._hide(delivery, self._lease)
        )

    async def _answer(self, delivery: Delivery, result: RunResult) -> None:
        """Gives the message what the run said it deserves; failing leaves it to its visibility."""
        if result.receipt is Receipt.GIVE_BACK:
            await self._hide(delivery, result.delay)
            return
        if result.receipt is Receipt.RESEND:
            await self._queue.send([delivery.message], delay=min(result.delay, DELAY_MAX))
        await self._queue.delete([delivery.receipt])

    async def _hide(self, delivery: Delivery, duration: timedelta) -> None:
        try:
            await self._queue.extend([delivery.receipt], visibility=duration)
        except UnavailableError:
            log.warning("visibility_left_to_expire", job_id=delivery.message.job_id)
