"""Moves committed pages from the write-ahead log into the database file, in bounded steps and one at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import structlog

LOG_PAGES_DUE = 2_000  # 8 MB: a step takes some ten milliseconds of somebody else's thread
LOG_BYTES_KEPT = 64 * 1024 * 1024  # the file is cut back to this after a burst

log = structlog.get_logger()


class Checkpointer:
    """Copies in the background while the writer goes on; the writer itself copies the short rest.

    Only when every page of the log has been copied can the next commit begin the log anew, and while a writer is busy
    the background step never catches up. So after each background step the writer does one of its own.
    """

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-checkpoint")
        self._running: asyncio.Future[bool] | None = None
        self._is_rest_due = False

    def note_commit(self, log_pages: int) -> bool:
        """Starts a step where one is due; returns whether the writer should copy the rest now."""
        if self._running is not None and self._running.done():
            self._is_rest_due = self._running.result()
            self._running = None
        if self._running is None and not self._is_rest_due and log_pages >= LOG_PAGES_DUE:
            self._running = asyncio.get_running_loop().run_in_executor(self._thread, copy_log, self._connection)
        is_rest_due, self._is_rest_due = self._is_rest_due, False
        return is_rest_due

    async def close(self) -> None:
        """Waits for the running step and lets go of the file."""
        if self._running is not None:
            await self._running
        self._thread.shutdown()
        self._connection.close()


def copy_log(connection: apsw.Connection) -> bool:
    """Copies what can be copied without waiting for anybody; returns False where the disk refuses.

    A refusal loses nothing: the pages stay in the log and the next step tries again.
    """
    try:
        connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.Error as exc:
        log.warning("checkpoint_failed", reason=type(exc).__name__)
        return False
    return True
