"""Takes handed-over files into the folder of an account, named after what is in them."""

from __future__ import annotations

import asyncio
import hashlib

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.records import Sport
from syncwell.ports.file_inbox import FileInbox, FoundWorkout, InspectedFile
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.file_envelope import open_envelope
from syncwell.providers.files.written_times import readable_stem, start_ms_of

_DIGEST_LENGTH = 20


class FolderInbox(FileInbox):
    """Keeps files, unpacked, in the folders where the `files` provider finds them."""

    def __init__(self, folders: AccountFolders) -> None:
        """Puts files into `folders`."""
        self._folders = folders

    async def inspect(self, data: bytes) -> InspectedFile:
        """Reads a file in a thread."""
        return await asyncio.to_thread(inspect_file, data)

    async def keep(self, account: str, file: InspectedFile) -> None:
        """Stores a file; one of the same name has the same content."""
        folder = self._folders.of(account)
        await asyncio.to_thread(folder.store, file.name, file.content)


def inspect_file(data: bytes) -> InspectedFile:
    """Reads a file to its end.

    Raises:
        InvalidFileError: it cannot be synced; the message says why.
    """
    content = open_envelope(data)
    reading = read_activity_file(content)
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
    return InspectedFile(
        # "in-" keeps it apart from the names of files that were written under an external id.
        name=f"{readable_stem(reading.workouts[0])}_in-{digest}{reading.file_format.extension}",
        content=content,
        workouts=tuple(_found(workout) for workout in reading.workouts),
        dropped_point_count=reading.dropped_point_count,
    )


def _found(workout: CanonicalWorkout) -> FoundWorkout:
    return FoundWorkout(
        sport=Sport(workout.sport),
        start_ms=start_ms_of(workout),
        elapsed_ms=workout.elapsed_ms,
        distance_m=workout.distance_m if workout.HasField("distance_m") else None,
        point_count=sum(len(segment.points) for segment in workout.segments),
    )
