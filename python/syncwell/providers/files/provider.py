"""Folders of files as a folder of roles."""

from __future__ import annotations

from pathlib import Path

from syncwell.ports.roles import Capabilities
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.capabilities import CAPABILITIES
from syncwell.providers.files.destination import FilesDestination
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.source import FilesSource


class FilesProvider:
    """Implements `Provider` for folders, one an account. Nobody's consent is asked: there is no OAuth."""

    def __init__(self, root: Path, *, file_format: FileFormat = FileFormat.FIT) -> None:
        """Reads FIT, TCX and GPX and writes `file_format` in `root`/<account>, which must exist when it is used."""
        folders = AccountFolders(root)
        self.capabilities: Capabilities = CAPABILITIES
        self.oauth: None = None
        self.source = FilesSource(folders)
        self.destination = FilesDestination(folders, file_format=file_format)
