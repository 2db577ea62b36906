"""Secrets in files that only their user can read, made at first use."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from syncwell.domain.errors import SetupError


def load_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """Returns the content of `path`, writing what `make` returns where there is no file.

    Of several processes that try at once one wins, and all read the same. What was returned survives power loss.

    Raises:
        SetupError: the file cannot be made or read, or others can read it; the message says what to do.
    """
    try:
        if not path.exists():
            _create(path, make())
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SetupError(f"{path} can be read by others; run: chmod 600 {path}", path=str(path))
        return path.read_bytes()
    except OSError as exc:
        raise SetupError(f"cannot use the key file {path}: {exc.strerror}", path=str(path)) from exc


def _create(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its content holds
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
