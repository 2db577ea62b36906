"""Many who ask for the same thing at the same time share one attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")


class SingleFlight(Generic[ResultT]):
    """Owns the running attempts, so that a caller who leaves does not break one off half way.

    Attempts in flight are bounded by their callers, whom the server bounds. Call `drain` before the process ends.
    """

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[ResultT]] = {}

    async def join(self, key: str, attempt: Callable[[], Coroutine[None, None, ResultT]]) -> ResultT:
        """Returns the result of the attempt that runs for `key`, starting it where none does.

        Every caller gets the result or the error of the same attempt; nothing is kept after it ends.
        """
        task = self._flights.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(attempt(), name=f"flight {key}")
            self._flights[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Waits for every running attempt; each has a deadline of its own."""
        while self._flights:
            await asyncio.wait(list(self._flights.values()))

    def _land(self, key: str, task: asyncio.Task[ResultT]) -> None:
        self._flights.pop(key, None)
        if not task.cancelled():
            task.exception()  # callers may all have left; an error that nobody awaits is not a defect
