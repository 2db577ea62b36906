"""Reads an activity file of any format, told by its content alone: names and endings are often wrong."""

from __future__ import annotations

import hashlib

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import fit_protocol as fit
from syncwell.providers.files import gpx_reader, tcx_reader
from syncwell.providers.files.activity_reading import ActivityReading
from syncwell.providers.files.file_envelope import open_envelope
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.fit_reader import inspect_fit
from syncwell.providers.files.gpx_reader import GpxSink
from syncwell.providers.files.tcx_reader import TcxSink
from syncwell.providers.files.xml_stream import looks_like_xml, read_xml

_SIGNATURE_OFFSET = 8
_DIGEST_LENGTH = 32


def read_activity_file(data: bytes) -> ActivityReading:
    """Returns the workouts of a FIT, TCX or GPX file, plain or gzipped.

    `provenance.record_id` is derived from the content; a caller with a better name replaces it.

    Raises:
        InvalidFileError: the file is damaged, too large, of no known format, or holds no activity with a time.
    """
    content = open_envelope(data)
    if content[_SIGNATURE_OFFSET : _SIGNATURE_OFFSET + len(fit.SIGNATURE)] == fit.SIGNATURE:
        reading = inspect_fit(content)
        return ActivityReading(FileFormat.FIT, reading.workouts, reading.dropped_point_count)
    if not looks_like_xml(content):
        raise InvalidFileError("The file is neither FIT nor TCX nor GPX. Export the activity as one of these.")
    return _read_xml_activity(content)


def _read_xml_activity(content: bytes) -> ActivityReading:
    gpx, tcx = GpxSink(), TcxSink()
    root = read_xml(content, {gpx_reader.ROOT: gpx, tcx_reader.ROOT: tcx})
    reading = gpx.finish() if root == gpx_reader.ROOT else tcx.finish()
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
    for index, workout in enumerate(reading.workouts):
        workout.provenance.record_id = digest if index == 0 else f"{digest}-{index + 1}"
    return reading
