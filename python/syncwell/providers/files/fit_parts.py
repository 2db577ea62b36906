"""Splits FIT files: one file may be gzipped and may chain several FIT parts.

Nothing is decoded here. Every size is checked against the bytes that are really there and every CRC is computed, so
what comes out is as the device wrote it.
"""

from __future__ import annotations

import struct

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import fit_protocol as fit
from syncwell.providers.files.file_envelope import open_envelope

PART_COUNT_MAX = 1_000
"""Watches chain a part for each stored stretch of strap heart rate: tens, not thousands."""

_HEADER = struct.Struct("<BBHI4s")
_CRC = struct.Struct("<H")


def split_fit_parts(data: bytes) -> tuple[bytes, ...]:
    """Returns the chained FIT parts of `data`, each whole with header and CRC.

    A gzipped file, as bulk exports hold them, is opened first.

    Raises:
        InvalidFileError: `data` is empty, larger than 64 MB (also once opened), truncated, damaged or no FIT file.
    """
    content = memoryview(open_envelope(data))
    parts: list[bytes] = []
    offset = 0
    while offset < len(content):
        if len(parts) == PART_COUNT_MAX:
            raise InvalidFileError(f"The file chains more than {PART_COUNT_MAX:,} FIT parts. Split it and try again.")
        end = _part_end(content, offset)
        parts.append(bytes(content[offset:end]))
        offset = end
    return tuple(parts)


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
