"""Reading folders of activity files.

The listing needs what is inside the files, so each file is read once and remembered until it changes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence

import structlog

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidFileError, InvalidInputError, ProviderInvalidAnswerError, UnsupportedPairError
from syncwell.domain.records import DataType, RecordId, RecordMetadata
from syncwell.ports.roles import ProviderSession, SourcePage, Window
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.providers.files.file_records import open_activity_file, parse_record_id
from syncwell.providers.files.folder import FileStamp, WorkoutFolder
from syncwell.providers.files.workout_metadata import metadata_of

log = structlog.get_logger()

PAGE_FILES_MAX = 100
"""Files looked at for one page; reading one takes up to a second."""

PAGE_RECORDS_MAX = 500
REMEMBERED_FILES_MAX = 20_000
"""Of all accounts together, as many as one folder may hold; a kilobyte each."""

_CURSOR_PREFIX = "after:"


class FilesSource:
    """Implements `Source` for workouts. Of the session it needs the account only."""

    def __init__(self, folders: AccountFolders) -> None:
        """Reads from the account's one of `folders`."""
        self._folders = folders
        self._remembered: OrderedDict[tuple[str, FileStamp], tuple[RecordMetadata, ...]] = OrderedDict()

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        """Tells whether any file was put here or changed since `since_ms`, by the machine's own clock."""
        _refuse_other(data_type)
        stamps = await asyncio.to_thread(self._folders.of(session.account).list_files)
        return any(stamp.arrived_ms >= since_ms for stamp in stamps)

    async def fetch_metadata(
        self,
        session: ProviderSession,
        data_type: DataType,
        window: Window,
        *,
        cursor: str | None = None,
    ) -> SourcePage:
        """Returns the workouts of the next 100 files that came here or changed in `window`.

        A file that cannot be read is logged and left out, the others are served.
        """
        _refuse_other(data_type)
        last_name = _parse_cursor(cursor)
        listed = await asyncio.to_thread(self._folders.of(session.account).list_files)
        stamps = [
            each for each in listed if each.name > last_name and window.start_ms <= each.arrived_ms < window.end_ms
        ]
        found: list[RecordMetadata] = []
        for position, stamp in enumerate(stamps):
            if position == PAGE_FILES_MAX:
                return SourcePage(tuple(found), _CURSOR_PREFIX + stamps[position - 1].name)
            records = await self._describe(session.account, stamp)
            if found and len(found) + len(records) > PAGE_RECORDS_MAX:
                return SourcePage(tuple(found), _CURSOR_PREFIX + stamps[position - 1].name)
            found += records[:PAGE_RECORDS_MAX]
        return SourcePage(tuple(found))

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        """Yields each workout from its file; None where file or workout is gone."""
        folder = self._folders.of(session.account)
        for record in records:
            try:
                workout = await asyncio.to_thread(_load_workout, folder, record.record_id)
            except InvalidFileError as exc:
                raise ProviderInvalidAnswerError(exc.message, provider=PROVIDER, record_id=record.record_id) from exc
            yield record.record_id, workout

    async def _describe(self, account: str, stamp: FileStamp) -> tuple[RecordMetadata, ...]:
        """Returns the metadata in a file, from memory where it has not changed."""
        key = account, stamp
        if key in self._remembered:
            self._remembered.move_to_end(key)
            return self._remembered[key]
        records = await asyncio.to_thread(_read_metadata, self._folders.of(account), stamp)
        self._remembered[key] = records
        while len(self._remembered) > REMEMBERED_FILES_MAX:
            self._remembered.popitem(last=False)
        return records


def _read_metadata(folder: WorkoutFolder, stamp: FileStamp) -> tuple[RecordMetadata, ...]:
    try:
        content = folder.load(stamp.name)
        workouts = open_activity_file(content, stamp.name) if content is not None else ()
    except InvalidFileError as exc:
        log.warning("file_skipped", file=stamp.name, reason=exc.message)
        return ()
    for workout in workouts:
        workout.provenance.modified_time.FromNanoseconds(stamp.modified_ns)
    return tuple(metadata_of(workout) for workout in workouts)


def _load_workout(folder: WorkoutFolder, record_id: RecordId) -> CanonicalWorkout | None:
    record = parse_record_id(record_id)
    content = folder.load(record.file_name)
    if content is None:
        return None
    workouts = open_activity_file(content, record.file_name)
    return workouts[record.index] if record.index < len(workouts) else None


def _parse_cursor(cursor: str | None) -> str:
    if cursor is None:
        return ""
    if not cursor.startswith(_CURSOR_PREFIX):
        raise InvalidInputError("This cursor is not of a folder listing. Start the listing again.", field="cursor")
    return cursor.removeprefix(_CURSOR_PREFIX)


def _refuse_other(data_type: DataType) -> None:
    if data_type is not DataType.WORKOUT:
        raise UnsupportedPairError("this adapter reads workouts only", provider=PROVIDER, data_type=data_type)
