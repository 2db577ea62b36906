"""The lock that makes one process the sole writer of a store."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from syncwell.domain.errors import SetupError


class FileLock:
    """Holds `<file>.lock` until released; the kernel releases it when the process dies."""

    def __init__(self, path: Path) -> None:
        """Takes the lock.

        Raises:
            SetupError: another process holds it, or the file cannot be made.
        """
        lock_path = path.with_name(path.name + ".lock")
        try:
            self._descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise SetupError(f"cannot make {lock_path}: {exc.strerror}; check the data directory") from exc
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(self._descriptor)
            raise SetupError(
                f"another process writes {path}; stop it, or choose another SYNCWELL_DATA_DIR", path=str(path)
            ) from exc

    def release(self) -> None:
        """Lets another process become the writer."""
        os.close(self._descriptor)
