"""Blobs as files: durable, private, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncwell.adapters.embedded import directory_blobs
from syncwell.adapters.embedded.directory_blobs import DirectoryBlobStore
from syncwell.domain.errors import NotFoundError, StorageFullError, UnavailableError
from tests.unit.fakes.clock import FakeClock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def blobs(root: Path, clock: FakeClock) -> DirectoryBlobStore:
    return DirectoryBlobStore(root, clock)


async def test_files_and_folders_are_private(blobs: DirectoryBlobStore, root: Path) -> None:
    """Nobody else reads a blob, sealed as it is."""
    await blobs.write("a/b", _chunks(b"x"), bytes_max=1)

    assert (root / "a").stat().st_mode & 0o777 == 0o700
    assert (root / "a" / "b").stat().st_mode & 0o777 == 0o600


async def test_failed_write_leaves_no_partial_file(blobs: DirectoryBlobStore, root: Path) -> None:
    """Whatever went wrong, the half file is gone."""
    with pytest.raises(ConnectionError):
        await blobs.write("a", _failing(), bytes_max=10)

    assert [path for path in root.rglob("*") if path.is_file()] == []


async def test_content_then_name_then_folder_are_synced(
    blobs: DirectoryBlobStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced before it gets its name, and every folder on the way afterwards."""
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        steps.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).relative_to(root.parent).parts[:3]}")
        sync(descriptor)

    def noted_replace(source: Path, target: Path) -> Path:
        steps.append("name")
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    await blobs.write("a/b", _chunks(b"x"), bytes_max=1)

    assert steps[0].startswith("sync ('blobs', '.partial', ")
    assert steps[1:] == ["name", "sync ('blobs', 'a')", "sync ('blobs',)"]


async def test_full_disk_is_told(blobs: DirectoryBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """No space is its own error, and nothing of the object is there."""
    monkeypatch.setattr(directory_blobs, "_write_all", _refuse_space)

    with pytest.raises(StorageFullError):
        await blobs.write("a", _chunks(b"x"), bytes_max=1)
    with pytest.raises(NotFoundError):
        await anext(blobs.read("a"))


async def test_unusable_folder_is_unavailable(tmp_path: Path, clock: FakeClock) -> None:
    """A folder that cannot be made is a passing trouble with a hint."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(UnavailableError, match="permissions"):
        await DirectoryBlobStore(tmp_path / "file", clock).write("a", _chunks(b""), bytes_max=1)


async def test_name_of_a_folder_is_no_object(blobs: DirectoryBlobStore) -> None:
    """A prefix of names is not an object, and no object is a prefix."""
    await blobs.write("a/b", _chunks(b"x"), bytes_max=1)

    for name in ("a", "a/b/c"):
        with pytest.raises(NotFoundError):
            await anext(blobs.read(name))


async def test_leftovers_of_a_crash_go(blobs: DirectoryBlobStore, root: Path, clock: FakeClock) -> None:
    """A half file of a dead process is removed a day later; one that may still be written stays."""
    (root / ".partial").mkdir(parents=True)
    old, young = root / ".partial" / "old", root / ".partial" / "young"
    for path, age in ((old, timedelta(hours=25)), (young, timedelta(hours=23))):
        path.write_bytes(b"half")
        seconds = (clock.now() - age).timestamp()
        os.utime(path, (seconds, seconds))

    await blobs.write("a", _chunks(b""), bytes_max=1)

    assert not old.exists()
    assert young.exists()


async def test_reader_keeps_what_it_opened(blobs: DirectoryBlobStore) -> None:
    """Deleting or replacing an object does not disturb who reads it."""
    size = directory_blobs.CHUNK_BYTES * 2
    await blobs.write("a", _chunks(b"1" * size), bytes_max=size)
    reading = blobs.read("a")
    first = await anext(reading)
    await blobs.write("a", _chunks(b"2"), bytes_max=1)
    await blobs.delete("a")

    assert first + b"".join([chunk async for chunk in reading]) == b"1" * size


def _refuse_space(_descriptor: int, _chunk: bytes) -> None:
    raise OSError(28, "No space left on device")


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _failing() -> AsyncIterator[bytes]:
    yield b"half"
    raise ConnectionError
