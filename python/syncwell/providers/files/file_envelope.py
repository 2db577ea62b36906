"""What every activity file goes through before its format matters: gzip taken off, sizes bounded, archives refused."""

from __future__ import annotations

import zlib

from syncwell.domain.errors import InvalidFileError

FILE_SIZE_BYTES_MAX = 64 * 1024 * 1024
"""No recording comes near; a day at one record a second is 4 MB of FIT and 30 MB of TCX."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_EMPTY_MAGIC = b"PK\x05\x06"
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


def open_envelope(data: bytes) -> bytes:
    """Returns the content of `data`, which may be gzipped once, as bulk exports have it.

    Raises:
        InvalidFileError: it is empty, larger than 64 MB (also once opened), a damaged gzip file or a ZIP archive.
    """
    content = _open_gzip(data) if data.startswith(_GZIP_MAGIC) else data
    if not content:
        raise InvalidFileError("The file is empty. Export or copy it from the device again.")
    if len(content) > FILE_SIZE_BYTES_MAX:
        limit_mb = FILE_SIZE_BYTES_MAX // (1024 * 1024)
        raise InvalidFileError(f"The file is larger than {limit_mb} MB. Export a single activity.")
    if content.startswith((_ZIP_MAGIC, _ZIP_EMPTY_MAGIC)):
        raise InvalidFileError("The file is a ZIP archive, not an activity. Unpack it and give the files inside.")
    return content


def _open_gzip(data: bytes) -> bytes:
    """Returns the one gzip member of `data`, never more than a byte above the size limit."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        content = unpacker.decompress(data, FILE_SIZE_BYTES_MAX + 1)
    except zlib.error as exc:
        raise InvalidFileError("The gzip file is damaged. Copy or export it again.") from exc
    if not unpacker.eof and len(content) <= FILE_SIZE_BYTES_MAX:
        raise InvalidFileError("The gzip file ends too early. Copy or export it again.")
    return content
