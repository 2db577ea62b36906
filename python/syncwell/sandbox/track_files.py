"""Opens an uploaded file by its data type, unpacking it within a bound."""

from __future__ import annotations

import zlib

from syncwell.domain.errors import InvalidFileError
from syncwell.sandbox.fit_track import read_fit_track
from syncwell.sandbox.track import Track
from syncwell.sandbox.xml_track import read_gpx_track, read_tcx_track

DATA_TYPES = ("fit", "fit.gz", "tcx", "tcx.gz", "gpx", "gpx.gz")
FILE_BYTES_MAX = 64 * 1024 * 1024
YEAR_MIN, YEAR_MAX = 1980, 2100
ELAPSED_SECONDS_MAX = 366 * 24 * 3600
READERS = {"fit": read_fit_track, "tcx": read_tcx_track, "gpx": read_gpx_track}


def read_track(content: bytes, data_type: str) -> Track:
    """Reads a file of one of `DATA_TYPES`.

    Raises:
        InvalidFileError: it is not such a file, holds no time, or unpacks to more than 64 MiB.
    """
    if data_type not in DATA_TYPES:
        raise InvalidFileError(f"{data_type} is not a supported data type")
    name, _, packing = data_type.partition(".")
    plain = _unpacked(content) if packing else content
    if not plain:
        raise InvalidFileError("The file is empty.")
    track = READERS[name](plain)
    if not (YEAR_MIN <= track.start.year <= YEAR_MAX and 0 <= track.elapsed_s <= ELAPSED_SECONDS_MAX):
        raise InvalidFileError("The times in the file are not plausible.")
    return track


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(content, FILE_BYTES_MAX)
    except zlib.error as exc:
        raise InvalidFileError("The file is not gzipped.") from exc
    if not unpacker.eof:
        raise InvalidFileError("The file is cut short or too large.")
    return plain
