"""A disk that can be full, refuse to sync, and lose its power: a VFS shim under SQLite."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import apsw

_NAME = "faulty-disk"
Undo = tuple[int, bytes, int]  # offset, what was there, the size before


class FaultyDisk(apsw.VFS):
    """Becomes SQLite's default until `unregister` is called."""

    def __init__(self) -> None:
        super().__init__(_NAME, "unix", makedefault=True)
        self.is_full = False
        self.fails_syncs = False
        self.lock = threading.RLock()  # commits run in a thread of their own
        self.unsynced: dict[Path, list[Undo]] = {}

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FaultyFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return FaultyFile(self, name, flags, Path(path) if path else None)

    def lose_power(self, folder: Path, copy: Path) -> None:
        """Leaves in `copy` what a power loss now would leave of `folder`: all that was not synced is undone."""
        with self.lock:
            self._copy_synced(folder, copy)

    def _copy_synced(self, folder: Path, copy: Path) -> None:
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
        for path, undos in self.unsynced.items():
            with (copy / path.name).open("r+b") as file:
                for offset, before, size in reversed(undos):
                    file.seek(offset)
                    file.write(before)
                    file.truncate(size)


class FaultyFile(apsw.VFSFile):
    """One file on the disk."""

    def __init__(
        self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int], path: Path | None
    ) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = path

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.is_full:
            raise apsw.exception_for(apsw.SQLITE_FULL)
        with self._disk.lock:
            self._remember(offset, len(data))
            super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        with self._disk.lock:
            self._remember(size, max(0, self.xFileSize() - size))
            super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        if self._disk.fails_syncs:
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        with self._disk.lock:
            super().xSync(flags)
            if self._path is not None:
                self._disk.unsynced.pop(self._path, None)

    def _remember(self, offset: int, length: int) -> None:
        if self._path is None:
            return
        size = self.xFileSize()
        kept = max(0, min(length, size - offset))
        before = bytes(super().xRead(kept, offset)) if kept else b""
        self._disk.unsynced.setdefault(self._path, []).append((offset, before, size))
