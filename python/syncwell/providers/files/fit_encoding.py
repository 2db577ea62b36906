"""Packs FIT messages into bytes: definitions, data, header and checksums.

Little-endian, one local message number for each kind, a definition before the first message of each shape. A value
that a field cannot hold is written as the protocol's "invalid", so a reader sees it as absent.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from syncwell.providers.files import fit_protocol as fit
from syncwell.providers.files.fit_protocol import MessageNumber

STRING_SIZE_BYTES = 64
"""Room for a product name with its terminating zero."""

_PROTOCOL_VERSION = 0x20
_PROFILE_VERSION = 2_120
_DEFINITION_FLAG = 0x40
_HEADER = struct.Struct("<BBHI4s")
_CRC = struct.Struct("<H")
_DEFINITION = struct.Struct("<BBBHB")


class BaseType(Enum):
    """FIT base types: identifier, struct code, lowest and highest value, and the mark for "invalid"."""

    ENUM = (0x00, "B", 0, 0xFE, 0xFF)
    SINT8 = (0x01, "b", -0x80, 0x7E, 0x7F)
    UINT8 = (0x02, "B", 0, 0xFE, 0xFF)
    UINT16 = (0x84, "H", 0, 0xFFFE, 0xFFFF)
    SINT32 = (0x85, "i", -0x80000000, 0x7FFFFFFE, 0x7FFFFFFF)
    UINT32 = (0x86, "I", 0, 0xFFFFFFFE, 0xFFFFFFFF)
    UINT32Z = (0x8C, "I", 1, 0xFFFFFFFF, 0)
    STRING = (0x07, f"{STRING_SIZE_BYTES}s", 0, 0, 0)

    @property
    def code(self) -> str:
        """The `struct` code."""
        return self.value[1]

    def fits(self, value: int) -> bool:
        """Tells whether the type can say `value`."""
        return self.value[2] <= value <= self.value[3]

    @property
    def invalid(self) -> int:
        """What stands for an absent number."""
        return self.value[4]


class FitField(NamedTuple):
    """A field of a message: its number and its base type."""

    number: int
    base_type: BaseType


FieldValues = Mapping[FitField, int | str | None]


class _Shape(NamedTuple):
    message: MessageNumber
    fields: tuple[FitField, ...]


@dataclass(slots=True)
class FitEncoder:
    """Collects messages in order and returns the file."""

    _content: bytearray = field(default_factory=bytearray)
    _local_numbers: dict[MessageNumber, int] = field(default_factory=dict)
    _defined: dict[MessageNumber, _Shape] = field(default_factory=dict)
    _packers: dict[_Shape, struct.Struct] = field(default_factory=dict)

    def add(self, message: MessageNumber, values: FieldValues) -> None:
        """Appends one message; all messages of one kind should name the same fields, or a new definition is paid."""
        local_number = self._local_numbers.setdefault(message, len(self._local_numbers))
        shape = _Shape(message, tuple(values))
        if self._defined.get(message) != shape:
            self._content += _pack_definition(local_number, shape)
            self._defined[message] = shape
            self._packers[shape] = struct.Struct("<B" + "".join(item.base_type.code for item in shape.fields))
        packed = [_pack_value(item.base_type, value) for item, value in values.items()]
        self._content += self._packers[shape].pack(local_number, *packed)

    def finish(self) -> bytes:
        """Returns header, messages and checksum."""
        start = _HEADER.pack(fit.HEADER_SIZE, _PROTOCOL_VERSION, _PROFILE_VERSION, len(self._content), fit.SIGNATURE)
        body = start + _CRC.pack(fit.crc16(start)) + self._content
        return body + _CRC.pack(fit.crc16(body))


def _pack_definition(local_number: int, shape: _Shape) -> bytes:
    head = _DEFINITION.pack(_DEFINITION_FLAG | local_number, 0, 0, shape.message, len(shape.fields))
    return head + b"".join(_pack_fields(shape.fields))


def _pack_fields(fields: Sequence[FitField]) -> list[bytes]:
    return [
        bytes((item.number, struct.calcsize("<" + item.base_type.code), item.base_type.value[0])) for item in fields
    ]


def _pack_value(base_type: BaseType, value: int | str | None) -> int | bytes:
    if base_type is BaseType.STRING:
        return _cut_text(str(value or ""))
    if isinstance(value, int) and base_type.fits(value):
        return value
    return base_type.invalid


def _cut_text(text: str) -> bytes:
    """Returns UTF-8 that leaves room for the terminating zero and never ends within a character."""
    return text.encode()[: STRING_SIZE_BYTES - 1].decode(errors="ignore").encode()
