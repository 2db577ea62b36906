"""Names the workouts in files: the first workout of a file is named like the file, further ones get a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.records import RecordId
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.capabilities import PROVIDER

_NUMBERED = re.compile(
    r"(?P<name>.+\.(?:fit|tcx|gpx)(?:\.gz)?)#(?P<number>[2-9]|[1-9]\d{1,3})", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Which workout of which file; `index` counts from 0."""

    file_name: str
    index: int = 0

    @property
    def record_id(self) -> RecordId:
        """The id: `run.fit` for the first workout, `run.fit#2` for the second."""
        return RecordId(self.file_name if self.index == 0 else f"{self.file_name}#{self.index + 1}")


def parse_record_id(record_id: RecordId) -> FileRecord:
    """Returns what an id means; the folder judges whether the file name is one of its own."""
    numbered = _NUMBERED.fullmatch(record_id)
    if numbered is None:
        return FileRecord(record_id)
    return FileRecord(numbered["name"], int(numbered["number"]) - 1)


def open_activity_file(data: bytes, name: str) -> tuple[CanonicalWorkout, ...]:
    """Returns the workouts of a FIT, TCX or GPX file under the ids that follow from `name`.

    The format is told by the content: `name` may have any ending.

    Raises:
        InvalidFileError: the file is damaged, of no known format, or holds no workout.
    """
    workouts = read_activity_file(data).workouts
    for index, workout in enumerate(workouts):
        workout.provenance.provider = PROVIDER
        workout.provenance.record_id = FileRecord(name, index).record_id
    return workouts
