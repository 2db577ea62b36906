"""Opening the store's file: ours, nobody's, somebody else's, a newer one, a damaged one."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.schema import SCHEMA_VERSION, open_reader, open_writer
from syncwell.domain.errors import SetupError, StoreUnavailableError
from tests.unit.fakes.clock import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_new_file_syncs_every_commit(path: Path) -> None:
    """A new store is made with the durability that it promises."""
    writer = open_writer(path)

    assert writer.pragma("journal_mode") == "wal"
    assert writer.pragma("synchronous") == 2
    assert writer.pragma("user_version") == SCHEMA_VERSION
    writer.close()


def test_known_file_opens_again(path: Path) -> None:
    """Reopening changes nothing."""
    open_writer(path).close()
    before = path.read_bytes()
    open_writer(path).close()

    assert path.read_bytes() == before


def test_files_are_private(path: Path, tmp_path: Path) -> None:
    """Nobody else on the machine reads the store, its log included."""
    writer = open_writer(path)

    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    writer.close()


def test_newer_schema_is_refused(path: Path) -> None:
    """A file of a later version is left alone; the message says what to do."""
    writer = open_writer(path)
    writer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    writer.close()

    for open_file in (open_writer, open_reader):
        with pytest.raises(SetupError, match=r"newer SyncWell.*install that version"):
            open_file(path)


def test_foreign_database_is_refused_untouched(path: Path) -> None:
    """Somebody else's SQLite file is not made ours."""
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()

    for open_file in (open_writer, open_reader):
        with pytest.raises(SetupError, match="not a SyncWell store"):
            open_file(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all, sorry " * 50, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_damaged_file_is_refused(path: Path, content: bytes) -> None:
    """A file that is no database opens for nobody and stays as it is."""
    path.write_bytes(content)

    for open_file in (open_writer, open_reader):
        with pytest.raises(SetupError, match="restore a backup"):
            open_file(path)
    assert path.read_bytes() == content


def test_reader_before_the_store_is_unavailable(path: Path) -> None:
    """Reading before the store process ran is a passing trouble, and makes no file."""
    with pytest.raises(StoreUnavailableError):
        open_reader(path)
    assert not path.exists()


def test_reader_of_an_unfinished_file_is_unavailable(path: Path) -> None:
    """A file whose tables are still being made is a passing trouble, too."""
    apsw.Connection(str(path)).close()
    path.touch()

    with pytest.raises(StoreUnavailableError):
        open_reader(path)


def test_reader_cannot_write(path: Path) -> None:
    """The read-only connection refuses writes, so that there is one writer."""
    open_writer(path).close()
    reader = open_reader(path)

    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM items")
    reader.close()


def test_unreachable_folder_is_a_setup_error(tmp_path: Path) -> None:
    """A data directory that is not there is said to be."""
    with pytest.raises(SetupError):
        Engine(tmp_path / "missing" / "store.db", FakeClock())


async def test_one_writer_only(path: Path) -> None:
    """A second engine on the file is refused until the first is gone."""
    async with Engine(path, FakeClock()):
        with pytest.raises(SetupError, match="another process writes"):
            Engine(path, FakeClock())

    async with Engine(path, FakeClock()):
        pass


async def test_refused_file_does_not_stay_locked(path: Path) -> None:
    """After a refusal the lock is free for whoever mends the file."""
    path.write_bytes(b"x" * 5_000)
    with pytest.raises(SetupError):
        Engine(path, FakeClock())
    path.unlink()

    async with Engine(path, FakeClock()):
        pass
