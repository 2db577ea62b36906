"""A folder of activity files on this machine: listing, reading, and writing that is whole or not at all.

Only regular files directly in the folder count, those whose name can be shown; links are not followed, so nothing
outside can be read or removed through it. Every method blocks; callers use threads.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from syncwell.domain.errors import InvalidFileError, InvalidInputError, ProviderUnavailableError
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.providers.files.file_envelope import FILE_SIZE_BYTES_MAX
from syncwell.providers.files.file_format import FileFormat

FILE_COUNT_MAX = 20_000
"""Thirty years of two workouts a day; more means that this is the wrong folder."""

_EXTENSIONS = tuple(each.extension + packing for each in FileFormat for packing in ("", ".gz"))
_TEMPORARY_PREFIX = ".syncwell-"
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, order=True)
class FileStamp:
    """A file as it was when the folder was listed; another stamp means other content."""

    name: str
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @property
    def arrived_ms(self) -> int:
        """When the file came here or changed, by the file system's clock; copying keeps the time of modification."""
        return self.changed_ns // 1_000_000


class WorkoutFolder:
    """One folder. All errors of the file system come out as `ProviderUnavailableError`."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched before the first call; the folder must exist by then."""
        self._path = path

    def make(self) -> None:
        """Makes the folder, private to the installation's user; one that exists is left as it is.

        Raises:
            ProviderUnavailableError: it cannot be made.
        """
        with _translated("make"):
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def list_files(self) -> list[FileStamp]:
        """Returns the activity files, ordered by name.

        Raises:
            ProviderUnavailableError: the folder cannot be read, or holds more than 20,000 of them.
        """
        with _translated("list"), os.scandir(self._path) as entries:
            return sorted(_stamps(entries))

    def load(self, name: str) -> bytes | None:
        """Returns the content of a file; None where there is no such file.

        Raises:
            InvalidInputError: `name` is no plain name of an activity file.
            InvalidFileError: the file is larger than 64 MB or no regular file.
            ProviderUnavailableError: it cannot be read.
        """
        path = self._locate(name)
        with _translated("read"):
            try:
                descriptor = os.open(path, _READ_FLAGS)
            except FileNotFoundError:
                return None
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise InvalidFileError("This is no regular file. Put the recording itself into the folder.")
                content = file.read(FILE_SIZE_BYTES_MAX + 1)
        if len(content) > FILE_SIZE_BYTES_MAX:
            raise InvalidFileError("The file is larger than 64 MB. Export a single activity.")
        return content

    def store(self, name: str, content: bytes) -> None:
        """Puts a file in place, whole and on disk when this returns; an existing one is replaced.

        Raises:
            InvalidInputError: `name` is no plain name of an activity file.
            ProviderUnavailableError: it cannot be written; the folder is as before.
        """
        path = self._locate(name)
        temporary = self._path / f"{_TEMPORARY_PREFIX}{name}"
        with _translated("write"):
            try:
                _write_durably(temporary, content)
                temporary.replace(path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
            self._sync_folder()

    def remove(self, name: str) -> None:
        """Removes a file; one that is gone counts as removed.

        Raises:
            InvalidInputError: `name` is no plain name of an activity file.
            ProviderUnavailableError: it cannot be removed.
        """
        path = self._locate(name)
        with _translated("remove from"):
            path.unlink(missing_ok=True)
            self._sync_folder()

    def _locate(self, name: str) -> Path:
        is_plain = name == os.path.basename(name) and "\0" not in name and not name.startswith(".")
        if not is_plain or not name.lower().endswith(_EXTENSIONS):
            raise InvalidInputError(
                "A record of this folder is named like its file, for example `run.fit`.", field="id"
            )
        return self._path / name

    def _sync_folder(self) -> None:
        """Makes the new name as durable as the content."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stamps(entries: Iterator[os.DirEntry[str]]) -> Iterator[FileStamp]:
    count = 0
    for entry in entries:
        is_named_well = entry.name.isprintable() and not entry.name.startswith(".")
        if not is_named_well or not entry.name.lower().endswith(_EXTENSIONS):
            continue
        if not entry.is_file(follow_symlinks=False):
            continue
        count += 1
        if count > FILE_COUNT_MAX:
            raise ProviderUnavailableError(
                f"The folder holds more than {FILE_COUNT_MAX:,} files of workouts. Choose a folder of one person's.",
                provider=PROVIDER,
            )
        with suppress(FileNotFoundError):  # removed since the listing began
            found = entry.stat(follow_symlinks=False)
            yield FileStamp(entry.name, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _write_durably(path: Path, content: bytes) -> None:
    descriptor = os.open(path, _WRITE_FLAGS, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


@contextmanager
def _translated(verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ProviderUnavailableError(
            f"Cannot {verb} the folder of workouts ({os.strerror(exc.errno or 0)}). "
            "Check that it exists, that SyncWell may use it, and that its disk is not full.",
            provider=PROVIDER,
        ) from exc
