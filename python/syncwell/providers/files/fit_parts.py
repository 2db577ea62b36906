"""Takes the envelope off: one file may be gzipped and may chain several FIT parts.

Nothing is decoded here. Every size is checked against the bytes that are really there and every CRC is computed, so
what comes out is as the device wrote it.
"""

from __future__ import annotations

import struct
import zlib

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import fit_protocol as fit

FILE_SIZE_BYTES_MAX = 64 * 1024 * 1024
"""No recording comes near; a day at one record a second is 4 MB."""

PART_COUNT_MAX = 1_000
"""Watches chain a part for each stored stretch of strap heart rate: tens, not thousands."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK"
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
_HEADER = struct.Struct("<BBHI4s")
_CRC = struct.Struct("<H")


def split_fit_parts(data: bytes) -> tuple[bytes, ...]:
    """Returns the chained FIT parts of `data`, each whole with header and CRC.

    A gzipped file, as bulk exports hold them, is opened first.

    Raises:
        InvalidFileError: `data` is empty, larger than 64 MB (also once opened), truncated, damaged or no FIT file.
    """
    content = memoryview(_open_gzip(data) if data.startswith(_GZIP_MAGIC) else data)
    _check_size(len(content))
    _check_kind(content)
    parts: list[bytes] = []
    offset = 0
    while offset < len(content):
        if len(parts) == PART_COUNT_MAX:
            raise InvalidFileError(f"The file chains more than {PART_COUNT_MAX:,} FIT parts. Split it and try again.")
        end = _part_end(content, offset)
        parts.append(bytes(content[offset:end]))
        offset = end
    return tuple(parts)


def _check_size(size_bytes: int) -> None:
    if size_bytes == 0:
        raise InvalidFileError("The file is empty. Export or copy it from the device again.")
    if size_bytes > FILE_SIZE_BYTES_MAX:
        limit_mb = FILE_SIZE_BYTES_MAX // (1024 * 1024)
        raise InvalidFileError(f"The file is larger than {limit_mb} MB. Export a single activity.")


def _check_kind(content: memoryview) -> None:
    if content[: len(_ZIP_MAGIC)] == _ZIP_MAGIC:
        raise InvalidFileError("The file is a ZIP archive, not a FIT file. Unpack it and give the FIT files inside.")


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


def _part_end(content: memoryview, offset: int) -> int:
    """Returns where the part that begins at `offset` ends, after checking sizes and both CRCs."""
    if len(content) - offset < _HEADER.size:
        raise _not_fit(offset)
    header_size: int
    data_size: int
    header_size, _, _, data_size, signature = _HEADER.unpack_from(content, offset)
    if signature != fit.SIGNATURE or header_size not in (fit.HEADER_SIZE_MIN, fit.HEADER_SIZE):
        raise _not_fit(offset)
    end = offset + header_size + data_size + fit.CRC_SIZE
    if data_size == 0:
        raise InvalidFileError("The FIT file holds nothing but a header. Let the device finish the recording.")
    if end > len(content):
        raise InvalidFileError(
            f"The FIT file ends {end - len(content):,} bytes too early. Copy or export it from the device again."
        )
    _check_crcs(content[offset:end], header_size)
    return end


def _check_crcs(part: memoryview, header_size: int) -> None:
    if header_size == fit.HEADER_SIZE:
        (header_crc,) = _CRC.unpack_from(part, _HEADER.size)
        # Zero means that the device did not compute it; the protocol allows that.
        if header_crc not in (0, fit.crc16(part[: _HEADER.size])):
            raise _damaged()
    (file_crc,) = _CRC.unpack_from(part, len(part) - fit.CRC_SIZE)
    if file_crc != fit.crc16(part[: -fit.CRC_SIZE]):
        raise _damaged()


def _not_fit(offset: int) -> InvalidFileError:
    where = "The file is not a FIT file" if offset == 0 else f"What follows byte {offset:,} is not FIT"
    return InvalidFileError(f"{where}. Export the activity as FIT (often called the original file) and try again.")


def _damaged() -> InvalidFileError:
    return InvalidFileError("The FIT file is damaged: its checksum is wrong. Copy or export it from the device again.")
