"""The key files of one purpose: `<purpose>.<number>.key`, private to the user, made at first use."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from syncwell.domain.errors import SecretStoreUnavailableError
from syncwell.ports.sealer import Purpose

KEY_BYTES = 32
FIRST_KEY = 1
_OTHERS = 0o077


class KeyFiles:
    """Keys by number, read again whenever files come or go. Never printed."""

    def __init__(self, folder: Path, purpose: Purpose, random_bytes: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._purpose = purpose
        self._random_bytes = random_bytes
        self._name = re.compile(rf"{re.escape(purpose.value)}\.([1-9][0-9]{{0,8}})\.key")
        self._keys: dict[int, bytes] = {}
        self._seen_names: frozenset[str] = frozenset()

    def load(self) -> dict[int, bytes]:
        """Returns the keys that there are.

        Raises:
            SecretStoreUnavailableError: the folder or a file cannot be read, or others can read it.
        """
        try:
            # A list of names costs microseconds; the folder's time would be cheaper, but is too coarse to be sure.
            names = frozenset(os.listdir(self._folder))
            if names != self._seen_names:
                self._keys = self._read_all()
                self._seen_names = names
        except FileNotFoundError:
            self._keys, self._seen_names = {}, frozenset()
        except OSError as exc:
            raise self._unusable(exc) from exc
        return self._keys

    def load_or_create(self) -> dict[int, bytes]:
        """Returns the keys that there are, or a first one, made now.

        Raises:
            SecretStoreUnavailableError: as `load`; or the key cannot be written.
        """
        if keys := self.load():
            return keys
        try:
            self._create()
        except OSError as exc:
            raise self._unusable(exc) from exc
        return self.load()

    def _read_all(self) -> dict[int, bytes]:
        _require_private(self._folder, "700")
        keys = {}
        for path in self._folder.iterdir():
            if match := self._name.fullmatch(path.name):
                keys[int(match[1])] = _read_key(path)
        return keys

    def _create(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{self._purpose.value}.{os.getpid()}.{self._random_bytes(8).hex()}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._random_bytes(KEY_BYTES))
                file.flush()
                os.fsync(descriptor)
            os.link(draft, self._folder / f"{self._purpose.value}.{FIRST_KEY}.key")
        except FileExistsError:
            pass  # another process was first; its key holds
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(self._folder)

    def _unusable(self, exc: OSError) -> SecretStoreUnavailableError:
        return SecretStoreUnavailableError(
            f"the key folder {self._folder} cannot be used: {exc.strerror}", purpose=self._purpose.value
        )


def _read_key(path: Path) -> bytes:
    _require_private(path, "600")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise SecretStoreUnavailableError(f"{path} is not a key of {KEY_BYTES} bytes; restore it from a backup")
    return key


def _require_private(path: Path, mode: str) -> None:
    if path.stat().st_mode & _OTHERS:
        raise SecretStoreUnavailableError(f"{path} can be read by others; run: chmod {mode} {path}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
