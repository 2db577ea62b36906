"""Writing activity files into folders.

A file is named after start, sport and external id, so people find their way and `find` needs no index.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidFileError, InvalidInputError, ProviderInvalidAnswerError, ProviderRefusedError
from syncwell.domain.records import EditableField, RecordId
from syncwell.ports.roles import ProviderSession, Window, Written
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.activity_writer import write_activity_file
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.file_records import open_activity_file, parse_record_id
from syncwell.providers.files.folder import WorkoutFolder
from syncwell.providers.files.workout_metadata import metadata_of
from syncwell.providers.files.written_times import readable_stem

_EXTERNAL_ID = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)


class FilesDestination:
    """Implements `Destination` for workouts. Of the session it needs the account only."""

    def __init__(self, folders: AccountFolders, *, file_format: FileFormat = FileFormat.FIT) -> None:
        """Writes into the account's one of `folders`; FIT says the most."""
        self._folders = folders
        self._file_format = file_format

    async def write(self, session: ProviderSession, workout: CanonicalWorkout, *, external_id: str) -> Written:
        """Writes one file, durable when this returns.

        A file that carries `external_id` already is left as it is and told as duplicate.
        """
        folder = self._folders.of(session.account)
        return await asyncio.to_thread(_write, folder, workout, external_id, self._file_format)

    async def find(self, session: ProviderSession, *, external_id: str, window: Window) -> Written | None:
        """Looks for the file that carries `external_id` and starts in `window`."""
        return await asyncio.to_thread(_find, self._folders.of(session.account), external_id, window)

    async def update(
        self,
        session: ProviderSession,  # noqa: ARG002
        record_id: RecordId,  # noqa: ARG002
        fields: Mapping[EditableField, str],  # noqa: ARG002
    ) -> Written:
        """Refuses: a person's own file is not ours to change."""
        raise ProviderRefusedError("a file of the person's own is not changed", provider=PROVIDER)

    async def delete(self, session: ProviderSession, record_id: RecordId) -> None:
        """Removes the file of a record.

        Raises:
            ProviderRefusedError: the file holds other workouts too.
        """
        await asyncio.to_thread(_delete, self._folders.of(session.account), record_id)


def _write(folder: WorkoutFolder, workout: CanonicalWorkout, external_id: str, file_format: FileFormat) -> Written:
    stem_end = _stem_end(external_id)
    try:
        content = write_activity_file(workout, file_format)
    except InvalidInputError as exc:
        raise ProviderRefusedError(exc.message, provider=PROVIDER, reason="invalid_record") from exc
    existing = _name_ending(folder, stem_end)
    stored = _load_workouts(folder, existing) if existing is not None else ()
    if existing is not None and stored:
        return Written(RecordId(existing), metadata_of(stored[0]).version, was_duplicate=True)
    name = readable_stem(workout) + stem_end + file_format.extension
    folder.store(name, content)
    # The listing reads the file back, so the version is that of what the format could say.
    return Written(RecordId(name), metadata_of(open_activity_file(content, name)[0]).version)


def _find(folder: WorkoutFolder, external_id: str, window: Window) -> Written | None:
    name = _name_ending(folder, _stem_end(external_id))
    workouts = _load_workouts(folder, name) if name is not None else ()
    if name is None or not workouts:
        return None
    metadata = metadata_of(workouts[0])
    if not window.start_ms <= metadata.start_ms < window.end_ms:
        return None
    return Written(RecordId(name), metadata.version)


def _delete(folder: WorkoutFolder, record_id: RecordId) -> None:
    file_name = parse_record_id(record_id).file_name
    if len(_load_workouts(folder, file_name)) > 1:
        raise ProviderRefusedError("the file holds other workouts too", provider=PROVIDER, reason="shared_file")
    folder.remove(file_name)


def _name_ending(folder: WorkoutFolder, stem_end: str) -> str | None:
    """Returns the file of an external id in whatever format it was written: the setting may have changed since."""
    endings = tuple(stem_end + each.extension for each in FileFormat)
    return next((stamp.name for stamp in folder.list_files() if stamp.name.endswith(endings)), None)


def _load_workouts(folder: WorkoutFolder, file_name: str) -> tuple[CanonicalWorkout, ...]:
    """Returns the workouts of a file; none where it is gone."""
    try:
        content = folder.load(file_name)
        return open_activity_file(content, file_name) if content is not None else ()
    except InvalidFileError as exc:
        raise ProviderInvalidAnswerError(exc.message, provider=PROVIDER, record_id=file_name) from exc


def _stem_end(external_id: str) -> str:
    if not _EXTERNAL_ID.fullmatch(external_id):
        raise InvalidInputError("An external id is made of letters, digits and hyphens.", field="external_id")
    return f"_{external_id}"
