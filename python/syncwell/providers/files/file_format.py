"""The formats of activity files that SyncWell reads and writes."""

from __future__ import annotations

from enum import StrEnum


class FileFormat(StrEnum):
    """A format, named like the ending of its files."""

    FIT = "fit"
    TCX = "tcx"
    GPX = "gpx"

    @property
    def extension(self) -> str:
        """The ending of a file's name, with the dot."""
        return f".{self.value}"
