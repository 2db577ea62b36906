"""The numbers of the FIT protocol that reader and writer share.

FIT counts seconds from the last day of 1989, degrees in semicircles, and ends every file with a CRC-16/ARC.
"""

from __future__ import annotations

import sys
from array import array
from enum import IntEnum
from functools import cache

EPOCH_UNIX_SECONDS = 631_065_600
"""1989-12-31T00:00:00Z, the zero of every FIT time."""

ABSOLUTE_SECONDS_MIN = 0x10000000
"""Smaller times count from when the device was switched on; they say nothing about the date."""

SEMICIRCLES_PER_DEGREE = 2**31 / 180
HEADER_SIZE_MIN = 12
HEADER_SIZE = 14
SIGNATURE = b".FIT"
CRC_SIZE = 2
FILE_TYPE_ACTIVITY = 4
MANUFACTURER_DEVELOPMENT = 255

_CRC_POLYNOMIAL_REFLECTED = 0xA001


class MessageNumber(IntEnum):
    """The global message numbers that an activity file is made of."""

    FILE_ID = 0
    SPORT = 12
    SESSION = 18
    LAP = 19
    RECORD = 20
    EVENT = 21
    ACTIVITY = 34


class EventCode(IntEnum):
    """Values of `event.event` that matter for time."""

    TIMER = 0
    SESSION = 8
    LAP = 9
    ACTIVITY = 26


class EventType(IntEnum):
    """Values of `event.event_type`."""

    START = 0
    STOP = 1
    STOP_ALL = 4
    STOP_DISABLE = 8
    STOP_DISABLE_ALL = 9


def crc16(data: bytes | memoryview) -> int:
    """Returns the CRC-16/ARC of `data`, two bytes at a step: a file of 64 MB takes about two seconds."""
    table = _crc_table()
    even_size = len(data) & ~1
    words = array("H", bytes(data[:even_size]))
    if sys.byteorder == "big":
        words.byteswap()
    crc = 0
    for word in words:
        crc = table[crc ^ word]
    for byte in data[even_size:]:
        crc = _crc_step(crc ^ byte, bits=8)
    return crc


@cache
def _crc_table() -> array[int]:
    return array("H", (_crc_step(value, bits=16) for value in range(1 << 16)))


def _crc_step(value: int, *, bits: int) -> int:
    for _ in range(bits):
        value = (value >> 1) ^ _CRC_POLYNOMIAL_REFLECTED if value & 1 else value >> 1
    return value
