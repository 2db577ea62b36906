"""The database file: its tables, its version, and how it is opened for the one writer and for readers."""

from __future__ import annotations

import ctypes
from pathlib import Path

import apsw

from syncwell.domain.errors import SetupError, StoreUnavailableError

APPLICATION_ID = 0x53594E43  # "SYNC": tells our file from any other SQLite file
SCHEMA_VERSION = 1

READER_BUSY_MS = 200  # readers wait only while a crashed writer's log is recovered
WRITER_BUSY_MS = 5_000
WRITER_CACHE_KIB = 65_536
READER_CACHE_KIB = 8_192

_TABLES = """
CREATE TABLE items (
    partition TEXT NOT NULL,
    sort TEXT NOT NULL,
    version INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    due_bucket TEXT,
    due_at_ms INTEGER,
    reauth TEXT,
    at_ms INTEGER,
    expires_at_ms INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (partition, sort)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_due ON items (due_bucket, due_at_ms) WHERE due_bucket IS NOT NULL;
CREATE INDEX items_by_reauth ON items (reauth) WHERE reauth IS NOT NULL;
CREATE INDEX items_by_time ON items (partition, at_ms) WHERE at_ms IS NOT NULL;
CREATE INDEX items_by_expiry ON items (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- AUTOINCREMENT: a number is never used twice, so an old receipt can never match a new message.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    class TEXT NOT NULL,
    visible_at_ms INTEGER NOT NULL,
    sent_at_ms INTEGER NOT NULL,
    receive_count INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    trace TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_visibility ON messages (class, visible_at_ms);
CREATE TABLE depths (class TEXT PRIMARY KEY, messages INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
"""


def open_writer(path: Path) -> apsw.Connection:
    """Opens the file for its sole writer, making it where it is not.

    Raises:
        SetupError: the file is corrupt, foreign, of a newer schema, or cannot be opened.
    """
    connection: apsw.Connection | None = None
    try:
        path.touch(mode=0o600)  # SQLite gives its other files the same permissions
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(WRITER_BUSY_MS)
        _require_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # the checkpointer does it, in bounded steps
        connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")  # no temporary files beside the data
        _keep_log_file(connection)
        _create_tables(connection)
    except apsw.Error as exc:
        _close_quietly(connection)
        raise _cannot_open(path, exc) from exc
    except OSError as exc:
        raise SetupError(f"{path} cannot be made: {exc.strerror}; check SYNCWELL_DATA_DIR", path=str(path)) from exc
    except SetupError:
        _close_quietly(connection)
        raise
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Opens the file for reading; every statement sees all that was committed before it.

    Raises:
        StoreUnavailableError: the file is not there yet or cannot be read now.
        SetupError: the file is corrupt, foreign or of another schema.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(READER_BUSY_MS)
        connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
        version = _require_ours(connection, path)
    except (apsw.CantOpenError, apsw.BusyError, apsw.IOError) as exc:
        raise StoreUnavailableError("the store's file cannot be read; is the store process running?") from exc
    except apsw.Error as exc:
        raise _cannot_open(path, exc) from exc
    if version == 0:
        connection.close()
        raise StoreUnavailableError("the store's file is still being made; is the store process running?")
    return connection


def _require_ours(connection: apsw.Connection, path: Path) -> int:
    application_id = connection.pragma("application_id")
    version = int(connection.pragma("user_version"))
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if is_empty and application_id in (0, APPLICATION_ID):
        return 0
    if application_id != APPLICATION_ID:
        raise SetupError(f"{path} is not a SyncWell store; choose another SYNCWELL_DATA_DIR", path=str(path))
    if version > SCHEMA_VERSION:
        raise SetupError(
            f"{path} was written by a newer SyncWell (schema {version}, this one knows {SCHEMA_VERSION}); "
            "install that version or restore a backup made before the upgrade",
            path=str(path),
        )
    return version


def _create_tables(connection: apsw.Connection) -> None:
    if int(connection.pragma("user_version")) == SCHEMA_VERSION:
        return
    with connection:
        connection.execute(_TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _keep_log_file(connection: apsw.Connection) -> None:
    # Without the -wal and -shm files a read-only connection cannot be opened while the store process is down.
    is_kept = ctypes.c_int(1)
    connection.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, ctypes.addressof(is_kept))


def _cannot_open(path: Path, exc: apsw.Error) -> SetupError:
    if isinstance(exc, apsw.NotADBError | apsw.CorruptError):
        text = f"{path} is damaged or not a database; restore a backup or choose another SYNCWELL_DATA_DIR"
    else:
        text = f"{path} cannot be opened ({type(exc).__name__}); check its permissions and the free space"
    return SetupError(text, path=str(path))


def _close_quietly(connection: apsw.Connection | None) -> None:
    if connection is not None:
        connection.close()
