"""Writes a workout in the format that is asked for."""

from __future__ import annotations

from collections.abc import Callable

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.fit_writer import write_fit
from syncwell.providers.files.gpx_writer import write_gpx
from syncwell.providers.files.tcx_writer import write_tcx

_WRITERS: dict[FileFormat, Callable[[CanonicalWorkout], bytes]] = {
    FileFormat.FIT: write_fit,
    FileFormat.TCX: write_tcx,
    FileFormat.GPX: write_gpx,
}


def write_activity_file(workout: CanonicalWorkout, file_format: FileFormat) -> bytes:
    """Returns `workout` as a file; the same workout always gives the same bytes.

    Raises:
        InvalidInputError: the format cannot say it.
    """
    return _WRITERS[file_format](workout)
