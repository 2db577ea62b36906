"""Runs the writes of a job a few at a time; the first that must stop the job ends the intake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from syncwell.domain.errors import ProviderUnavailableError, SyncWellError
from syncwell.domain.records import RecordId
from syncwell.domain.resolution import Decision
from syncwell.usecases.sync_wait import Wait

LOST_IN_A_ROW_MAX = 3  # so many lost answers are no accident any more

Work = Callable[[], Awaitable[Decision | Wait]]


class WriteCrew:
    """Bounded concurrency for writes. Those in flight are finished even when the job has to stop: a cancelled call
    would leave its outcome unknown.

    A lost answer concerns its record alone, until several in a row say that the destination is down. After the context
    `outcomes` holds what was done, and `wait` or `error` why the rest was not.
    """

    def __init__(self, size: int) -> None:
        self.outcomes: dict[RecordId, Decision] = {}
        self.wait: Wait | None = None
        self.error: SyncWellError | None = None
        self._lost_in_a_row = 0
        self._must_stop = False
        self._free = asyncio.Semaphore(size)
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> WriteCrew:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, SyncWellError):
            self._must_stop = True
            self.error = self.error or error
            await self._group.__aexit__(None, None, None)
            return True
        await self._group.__aexit__(kind, error, trace)
        return False

    @property
    def has_stopped(self) -> bool:
        """True when no further work is taken."""
        return self._must_stop or self.wait is not None

    async def start(self, work: Work) -> None:
        """Begins `work` when somebody is free; does nothing once the crew has stopped."""
        await self._free.acquire()
        if self.has_stopped:
            self._free.release()
            return
        self._group.create_task(self._run(work))

    async def _run(self, work: Work) -> None:
        try:
            answer = await work()
            if isinstance(answer, Wait):
                self.wait = answer
            else:
                self.outcomes[answer.source_id] = answer
                self._lost_in_a_row = 0
        except ProviderUnavailableError as exc:
            self._lost_in_a_row += 1
            self._must_stop = self._must_stop or self._lost_in_a_row >= LOST_IN_A_ROW_MAX
            self.error = self.error or exc
        except SyncWellError as exc:
            self._must_stop = True
            self.error = exc if self.error is None or isinstance(self.error, ProviderUnavailableError) else self.error
        finally:
            self._free.release()
