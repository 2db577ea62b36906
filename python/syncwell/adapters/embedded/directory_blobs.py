"""Blobs as files of one private folder."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

from syncwell.domain.errors import (
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    StorageFullError,
    SyncWellError,
    UnavailableError,
)
from syncwell.ports.blob_store import BlobStore
from syncwell.ports.clock import Clock

CHUNK_BYTES = 256 * 1024
NAME_BYTES_MAX = 512
PART_BYTES_MAX = 200
PARTIAL_KEPT = timedelta(hours=24)  # a write that takes longer is dead

_PARTIAL = ".partial"  # no blob's name begins with a dot
_P = ParamSpec("_P")
_T = TypeVar("_T")
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class DirectoryBlobStore(BlobStore):
    """Objects appear whole, under their name, once they are on the disk; a crash leaves nothing of a half one."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._partial = root / _PARTIAL
        self._clock = clock

    async def write(self, name: str, chunks: AsyncIterator[bytes], *, bytes_max: int) -> int:
        """Writes the whole object atomically and durably; an older one of the name is replaced."""
        target = self._path_of(name)
        draft = self._partial / secrets.token_hex(16)
        try:
            descriptor = await _on_disk(self._begin, draft)
            try:
                size = await _copy(chunks, descriptor, bytes_max)
                await _on_disk(os.fsync, descriptor)
            finally:
                os.close(descriptor)
            await _on_disk(_publish, draft, target, self._root)
        finally:
            with suppress(OSError):  # what cannot be removed now is a leftover, removed later
                draft.unlink(missing_ok=True)
        return size

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yields the object in chunks; deleting or replacing it meanwhile does no harm."""
        path = self._path_of(name)
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
            raise NotFoundError("there is no such blob") from exc
        except OSError as exc:
            raise _error_of(exc) from exc
        with file:
            while chunk := await _on_disk(file.read, CHUNK_BYTES):
                yield chunk

    async def delete(self, name: str) -> None:
        """Removes the object for good; removing nothing succeeds."""
        await _on_disk(_remove, self._path_of(name))

    def _path_of(self, name: str) -> Path:
        parts = name.split("/")
        if len(name) > NAME_BYTES_MAX or any(len(part) > PART_BYTES_MAX or not _PART.fullmatch(part) for part in parts):
            raise InvalidInputError("a blob's name is a plain relative path of letters, digits and ._-", field="name")
        return self._root.joinpath(*parts)

    def _begin(self, draft: Path) -> int:
        self._partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_leftovers()
        return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def _remove_leftovers(self) -> None:
        before_ms = self._clock.now_ms() - PARTIAL_KEPT // timedelta(milliseconds=1)
        for leftover in self._partial.iterdir():
            try:
                if leftover.stat().st_mtime * 1000 < before_ms:
                    leftover.unlink()
            except FileNotFoundError:
                continue  # its writer has just finished


async def _on_disk(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    # Only the disk's errors are translated: those of the caller's chunks are the caller's.
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as exc:
        raise _error_of(exc) from exc


async def _copy(chunks: AsyncIterator[bytes], descriptor: int, bytes_max: int) -> int:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > bytes_max:
            raise LimitExceededError(f"the blob may have {bytes_max} bytes", field="bytes_max")
        await _on_disk(_write_all, descriptor, chunk)
    return size


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _publish(draft: Path, target: Path, root: Path) -> None:
    # Every folder on the way may have got a new entry: unsynced, the name may be gone after a power loss.
    folders = [folder for folder in (target.parent, *target.parent.parents) if folder.is_relative_to(root)]
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.replace(target)
    for folder in folders:
        _sync_folder(folder)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _error_of(exc: OSError) -> SyncWellError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFullError("the disk of the blob folder is full; free some space")
    return UnavailableError(f"the blob folder cannot be used ({exc.strerror}); check its permissions")
