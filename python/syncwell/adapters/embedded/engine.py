"""The sole writer of a store file: everything that waits shares one durable commit (group commit)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import cast

import apsw
import structlog

from syncwell.adapters.embedded.batch import (
    Answer,
    BadTaskError,
    BatchTables,
    Purge,
    ReceiveMessages,
    Submission,
    Task,
    bad_task_error,
    size_of,
)
from syncwell.adapters.embedded.checkpointer import LOG_BYTES_KEPT, Checkpointer, copy_log
from syncwell.adapters.embedded.commit_errors import error_of_batch
from syncwell.adapters.embedded.commit_history import note_commit
from syncwell.adapters.embedded.commit_meter import CommitMeter
from syncwell.adapters.embedded.file_lock import FileLock
from syncwell.adapters.embedded.message_table import Received
from syncwell.adapters.embedded.operations import Operation, Outcome
from syncwell.adapters.embedded.schema import open_writer
from syncwell.adapters.embedded.store_steps import StoreStep
from syncwell.adapters.embedded.wakeups import Signal
from syncwell.domain.errors import StoreUnavailableError, SyncWellError
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.ports.history import History
from syncwell.ports.job_queue import Delivery, JobClass

BATCH_TASKS_MAX = 512  # some 10 ms of work: nobody waits longer for the commit before theirs
BATCH_BYTES_MAX = 8 * 1024 * 1024
WAITING_TASKS_MAX = 20_000  # about a second of work; beyond it an early refusal is kinder than a time-out
WAITING_BYTES_MAX = 64 * 1024 * 1024
PURGE_PERIOD = timedelta(seconds=30)
PURGE_STEP = 200
EXPIRY_GRACE_MS = 60_000  # an item goes only when it is expired by everybody's clock

log = structlog.get_logger()


class Engine:
    """Writes for all; lives in the store process, or inside a test or command.

    Use as an asynchronous context manager; everything else needs the event loop that it was entered in.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        crash_points: CrashPoints | None = None,
        history: History | None = None,
        meter: CommitMeter | None = None,
    ) -> None:
        """Opens the file; with a `history`, every version that becomes durable is recorded.

        Raises:
            SetupError: the file is in use by another writer, corrupt, foreign, or of a newer schema.
        """
        self.path = path
        self._clock = clock
        self._crash_points = crash_points or NoCrashPoints()
        self._history = history
        self._meter = meter or CommitMeter()
        self._lock = FileLock(path)
        try:
            self._connection = open_writer(path)
        except SyncWellError:
            self._lock.release()
            raise
        self._connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_KEPT}")
        self._connection.set_wal_hook(self._note_log_pages)
        self._tables = BatchTables(self._connection)
        self._checkpointer = Checkpointer(path)
        self._committer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-commit")
        self._waiting: deque[Submission] = deque()
        self._waiting_task_count = 0
        self._waiting_byte_count = 0
        self._has_work = asyncio.Event()
        self._is_closing = False
        self._is_closed = False
        self._log_pages = 0
        self._changes_before = 0
        self._sent = {job_class: Signal(clock) for job_class in JobClass}
        self.appended = Signal(clock)
        self._loops: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Engine:
        self._loops = [asyncio.create_task(self._commit_forever()), asyncio.create_task(self._purge_forever())]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def execute(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Does `operations` in order within one durable commit; returns what became of each.

        Raises:
            StoreUnavailableError: too much waits already, or the store is shutting down; nothing was written.
        """
        return cast(list[Outcome], await self._submit(operations))

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility_ms: int, wait_ms: int
    ) -> tuple[Delivery, ...]:
        """Hands out visible messages, waiting up to `wait_ms` for the first.

        Raises:
            StoreUnavailableError: too much waits already, or the store is shutting down.
            StorageFullError: receives cannot be recorded.
        """
        signal = self._sent[job_class]
        until_ms = self._clock.now_ms() + wait_ms
        task = ReceiveMessages(job_class, limit, visibility_ms)
        while True:
            count = signal.count
            (answer,) = await self._submit([task])
            if isinstance(answer, SyncWellError):
                raise answer
            received = cast(Received, answer)
            now_ms = self._clock.now_ms()
            if received.deliveries or now_ms >= until_ms:
                return received.deliveries
            next_ms = until_ms if received.next_visible_at_ms is None else min(until_ms, received.next_visible_at_ms)
            await signal.wait_beyond(count, longest=timedelta(milliseconds=max(1, next_ms - now_ms)))
            if self._is_closing:
                return ()

    async def purge(self) -> None:
        """Removes what is past its time, in steps that let other work in between."""
        while not self._is_closing:
            task = Purge(self._clock.now_ms() - EXPIRY_GRACE_MS, PURGE_STEP)
            (answer,) = await self._submit([task])
            if not isinstance(answer, int) or answer < PURGE_STEP:
                return

    def stop(self) -> None:
        """Refuses new work from now on and ends all waiting; what was accepted is still committed."""
        self._is_closing = True
        self._has_work.set()
        for signal in (*self._sent.values(), self.appended):
            signal.notify()

    async def close(self) -> None:
        """Refuses new work, commits what was accepted, and lets go of the file."""
        if self._is_closed:
            return
        self._is_closed = True
        self.stop()
        if self._loops:
            commits, purges = self._loops
            purges.cancel()
            await asyncio.gather(commits, purges, return_exceptions=True)
        await self._checkpointer.close()
        self._committer.shutdown()
        copy_log(self._connection)
        try:
            self._connection.close()
        except apsw.Error as exc:  # a full disk; what was committed is in the log and is found there again
            log.warning("close_failed", reason=type(exc).__name__)
        finally:
            self._lock.release()

    @property
    def is_closing(self) -> bool:
        """Whether new work is refused."""
        return self._is_closing

    async def _submit(self, tasks: Sequence[Task]) -> list[Answer]:
        byte_count = size_of(tasks)
        if self._is_closing:
            raise StoreUnavailableError("the store is shutting down; try again")
        if (
            self._waiting_task_count + len(tasks) > WAITING_TASKS_MAX
            or self._waiting_byte_count + byte_count > WAITING_BYTES_MAX
        ):
            raise StoreUnavailableError("the store is behind; try again")
        answers: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Submission(tasks, byte_count, answers))
        self._waiting_task_count += len(tasks)
        self._waiting_byte_count += byte_count
        self._has_work.set()
        return await answers

    async def _commit_forever(self) -> None:
        while True:
            await self._has_work.wait()
            batch = self._take_batch()
            if not batch and self._is_closing:
                return
            if batch:
                with self._meter.around(batch):
                    await self._commit(batch)
            if not self._waiting and not self._is_closing:
                self._has_work.clear()

    def _take_batch(self) -> list[Submission]:
        batch: list[Submission] = []
        task_count = byte_count = 0
        while self._waiting:
            first = self._waiting[0]
            if batch and (
                task_count + len(first.tasks) > BATCH_TASKS_MAX or byte_count + first.byte_count > BATCH_BYTES_MAX
            ):
                break
            batch.append(self._waiting.popleft())
            task_count += len(first.tasks)
            byte_count += first.byte_count
        self._waiting_task_count -= task_count
        self._waiting_byte_count -= byte_count
        return batch

    async def _commit(self, batch: list[Submission]) -> None:
        is_committing = False
        try:
            answers = self._apply(batch)
            is_committing = True
            await self._make_durable()
        except Exception as exc:  # the loop that everybody waits for: it must answer and go on, whatever it was
            answers = self._refuse(batch, exc, is_committing=is_committing)
        if self._history is not None:
            note_commit(self._history, batch, answers)
        for submission, given in zip(batch, answers, strict=True):
            if not submission.answers.done():
                submission.answers.set_result(given)
        self._wake_up()
        await self._keep_log_short()

    def _refuse(self, batch: list[Submission], exc: Exception, *, is_committing: bool) -> list[list[Answer]]:
        code = error_of_batch(exc, is_committing=is_committing).code
        log.error("commit_failed", reason=type(exc).__name__, code=code, is_committing=is_committing)
        self._roll_back()
        self._tables.forget_wakeups()
        self._meter.refused()
        return [[error_of_batch(exc, is_committing=is_committing) for _ in submission.tasks] for submission in batch]

    def _apply(self, batch: list[Submission]) -> list[list[Answer]]:
        # A task that cannot be stored is left out and the rest is done anew: each round removes one.
        bad: set[int] = set()
        now_ms = self._clock.now_ms()
        while True:
            self._roll_back()
            self._connection.execute("BEGIN IMMEDIATE")
            self._changes_before = self._connection.total_changes()
            self._tables.forget_wakeups()
            apply = self._tables.apply
            try:
                return [
                    [bad_task_error() if id(task) in bad else apply(task, now_ms) for task in submission.tasks]
                    for submission in batch
                ]
            except BadTaskError as exc:
                bad.add(id(exc.task))

    async def _make_durable(self) -> None:
        if self._connection.total_changes() == self._changes_before:
            self._connection.execute("COMMIT")  # nothing to sync: refused conditions, empty receives
            return
        # The thread exists for the disk alone: SQL runs in the loop's thread, where nobody contends for the
        # interpreter, and while the disk syncs the loop gathers the next batch.
        self._crash_points.reach(StoreStep.BEFORE_COMMIT)
        await asyncio.get_running_loop().run_in_executor(self._committer, self._connection.execute, "COMMIT")
        self._crash_points.reach(StoreStep.AFTER_COMMIT)

    async def _keep_log_short(self) -> None:
        if self._checkpointer.note_commit(self._log_pages):
            await asyncio.get_running_loop().run_in_executor(self._committer, copy_log, self._connection)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as exc:  # tried again before the next batch begins
            log.error("rollback_failed", reason=type(exc).__name__)

    def _wake_up(self) -> None:
        for job_class in self._tables.touched_classes:
            self._sent[job_class].notify()
        if self._tables.has_new_events:
            self.appended.notify()

    def _note_log_pages(self, _connection: apsw.Connection, _name: str, log_pages: int) -> int:
        self._log_pages = log_pages
        return apsw.SQLITE_OK

    async def _purge_forever(self) -> None:
        while True:
            await self._clock.sleep(PURGE_PERIOD)
            try:
                await self.purge()
            except StoreUnavailableError:
                log.info("purge_skipped", reason="busy")
