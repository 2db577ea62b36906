"""Checks the checksums of a FIT file in one pass, which is several times faster than while it is decoded."""

from __future__ import annotations

from syncwell.domain.errors import InvalidFileError

HEADER_BYTES_MIN = 12
CRC_BYTES = 2
REVERSED_POLYNOMIAL = 0xA001  # CRC-16/ARC


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        entry = byte
        for _ in range(8):
            entry = (entry >> 1) ^ REVERSED_POLYNOMIAL if entry & 1 else entry >> 1
        entries.append(entry)
    return tuple(entries)


TABLE = _table()


def check_fit_crc(content: bytes) -> None:
    """Walks over the files that are chained in `content`.

    Raises:
        InvalidFileError: a header, a length or a checksum is wrong.
    """
    position = 0
    while position < len(content) or position == 0:
        position = _checked_end(content, position)


def _checked_end(content: bytes, start: int) -> int:
    header = content[start : start + HEADER_BYTES_MIN]
    if len(header) < HEADER_BYTES_MIN or header[8:] != b".FIT" or header[0] < HEADER_BYTES_MIN:
        raise InvalidFileError("Error reading FIT file: no FIT header.")
    end = start + header[0] + int.from_bytes(header[4:8], "little") + CRC_BYTES
    if end > len(content):
        raise InvalidFileError("Error reading FIT file: it is cut short.")
    if _crc(content[start:end]) != 0:  # over data and its own checksum the rest is nothing
        raise InvalidFileError("Error reading FIT file: wrong checksum.")
    return end


def _crc(data: bytes) -> int:
    crc, table = 0, TABLE
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc
