"""The store's file as every client reads it: opened once, at the first read, by each process for itself."""

from __future__ import annotations

from pathlib import Path

import apsw

from syncwell.adapters.embedded.event_table import EventReader
from syncwell.adapters.embedded.item_reader import ItemReader
from syncwell.adapters.embedded.schema import open_reader
from syncwell.ports.job_queue import JobClass

_DEPTH = "SELECT messages FROM depths WHERE class = ?"


class StoreFile:
    """Read-only access. A read sees all that was acknowledged before it began."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            StoreUnavailableError: the store process has not made the file yet.
            SetupError: the file is corrupt, foreign, or of a newer schema.
        """
        self._connection: apsw.Connection = open_reader(path)
        self.items = ItemReader(self._connection)
        self.events = EventReader(self._connection)

    def depth(self, job_class: JobClass) -> int:
        """Returns the number of messages of a class, visible or not."""
        return int(self._connection.execute(_DEPTH, (job_class.value,)).get or 0)

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()
