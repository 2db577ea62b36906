"""`syncwell import`: puts activity files into a person's folder, from where they are synced, and says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from syncwell.adapters.identity.development_issuer import ISSUER
from syncwell.cli.connect_files import connect_files
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import InvalidFileError, InvalidInputError, NotFoundError
from syncwell.ports.file_inbox import FileInbox, FoundWorkout, InspectedFile
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.providers.files.file_envelope import FILE_SIZE_BYTES_MAX
from syncwell.providers.files.inbox import FolderInbox
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.identities import Identities
from syncwell.runtime.backends import open_backends
from syncwell.runtime.settings import InstallationSettings

FILES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Importer:
    """Whose folder it is: of `user` as `issuer` knows them, in `connection_id` or, where that is empty, the first."""

    user: str
    issuer: str = ""
    connection_id: str = ""


async def import_files(
    settings: InstallationSettings, paths: Sequence[Path], importer: Importer, *, is_dry_run: bool, console: Console
) -> int:
    """Shows what is in the files and, unless it is a dry run, puts them where they are synced.

    Returns:
        1 if any file was refused (the others are taken all the same), else 0.

    Raises:
        InvalidInputError: no file, more than 1,000, or several folders to choose from.
        NotFoundError: the person has no such connection.
        StoreUnavailableError: the store does not run.
        ProviderUnavailableError: the folder cannot be written.
    """
    if not 0 < len(paths) <= FILES_MAX:
        raise InvalidInputError(f"name 1 to {FILES_MAX:,} files", field="files")
    inbox: FileInbox = FolderInbox(AccountFolders(settings.files_dir))
    connection: Connection | None = None
    table = _empty_table()
    refused: list[str] = []
    for path in paths:
        try:
            file = await inbox.inspect(_read(path))
        except InvalidFileError as exc:
            refused.append(f"refused {path}: {exc.message}")
            continue
        for workout in file.workouts:
            table.add_row(Text(path.name), *_cells(workout), _problems(file))
        if not is_dry_run:
            connection = connection or await _connection_of(settings, importer)
            await inbox.keep(connection.external_user_id, file)
    if table.row_count:
        console.print(table)
    for line in refused:
        console.print(Text(line), soft_wrap=True)
    _print_outcome(console, connection, len(paths) - len(refused), len(refused))
    return 1 if refused else 0


def _read(path: Path) -> bytes:
    """Reads one byte more than is allowed at most, so that a larger file is refused as such."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_SIZE_BYTES_MAX + 1)
    except OSError as exc:
        raise InvalidFileError(f"The file cannot be read ({exc.strerror}).") from exc


async def _connection_of(settings: InstallationSettings, importer: Importer) -> Connection:
    found = await _active_connections(settings, importer)
    if importer.connection_id:
        chosen = [each for each in found if each.connection_id == importer.connection_id]
        if not chosen:
            raise NotFoundError("there is no such active connection to a folder of this user", field="to")
        return chosen[0]
    if len(found) > 1:
        known = ", ".join(each.connection_id for each in found)
        raise InvalidInputError(f"this user has several folders; choose one with --to: {known}", field="to")
    if found:
        return found[0]
    connection, _ = await connect_files(settings, user=importer.user, issuer=importer.issuer)
    return connection


async def _active_connections(settings: InstallationSettings, importer: Importer) -> list[Connection]:
    async with open_backends(settings) as backends:
        user_id = await Identities(backends.items).load_user(importer.issuer or ISSUER, importer.user)
        if user_id is None:
            return []
        connections = await Accounts(backends.items).load_connections(user_id)
    return [each for each in connections if each.provider == PROVIDER and each.status is ConnectionStatus.ACTIVE]


def _empty_table() -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("file", "sport", "start (UTC)"):
        table.add_column(name, overflow="fold")
    for name in ("duration", "km", "points"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("problems", overflow="fold")
    return table


def _cells(workout: FoundWorkout) -> tuple[str, str, str, str, str]:
    start = datetime.fromtimestamp(workout.start_ms // 1000, tz=UTC)
    return (
        workout.sport.name.lower(),
        f"{start:%Y-%m-%d %H:%M:%S}",
        str(timedelta(seconds=workout.elapsed_ms // 1000)),
        "" if workout.distance_m is None else f"{workout.distance_m / 1000:.2f}",
        f"{workout.point_count:,}",
    )


def _problems(file: InspectedFile) -> str:
    return f"{file.dropped_point_count:,} points without a usable time" if file.dropped_point_count else ""


def _print_outcome(console: Console, connection: Connection | None, taken_count: int, refused_count: int) -> None:
    if connection is None:
        console.print(f"{taken_count} readable, {refused_count} refused; nothing was stored")
        return
    console.print(f"{taken_count} taken, {refused_count} refused; connection: {connection.connection_id}")
