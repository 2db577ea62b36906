"""A folder of files as a folder of roles."""

from __future__ import annotations

from pathlib import Path

from syncwell.ports.roles import Capabilities
from syncwell.providers.files.capabilities import CAPABILITIES
from syncwell.providers.files.destination import FilesDestination
from syncwell.providers.files.folder import WorkoutFolder
from syncwell.providers.files.source import FilesSource


class FilesProvider:
    """Implements `Provider` for one folder. Nobody's consent is asked: there is no OAuth."""

    def __init__(self, path: Path) -> None:
        """Reads and writes FIT files directly in `path`, which must exist when it is used."""
        folder = WorkoutFolder(path)
        self.capabilities: Capabilities = CAPABILITIES
        self.oauth: None = None
        self.source = FilesSource(folder)
        self.destination = FilesDestination(folder)
