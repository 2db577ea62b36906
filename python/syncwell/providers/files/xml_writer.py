"""Writes small, regular XML: one element a line, text that any parser takes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

HEADER = '<?xml version="1.0" encoding="UTF-8"?>'

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_SURROGATES = range(0xD800, 0xE000)
_NO_CHARACTERS = frozenset({0xFFFE, 0xFFFF})


def element(name: str, text: str) -> str:
    """Returns an element with nothing but text in it."""
    return f"<{name}>{text}</{name}>"


def escaped(text: str) -> str:
    """Returns `text` for content and attributes; characters that XML cannot say are left out."""
    return "".join(filter(_is_character, text)).translate(_ESCAPES)


def encode_lines(lines: Iterable[str]) -> bytes:
    """Returns the document."""
    return "\n".join(lines).encode() + b"\n"


def time_text(time_ms: int) -> str:
    """Returns milliseconds since 1970 as UTC, to the millisecond."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def _is_character(character: str) -> bool:
    code = ord(character)
    if code < 0x20:
        return character in "\t\n\r"
    return code not in _SURROGATES and code not in _NO_CHARACTERS
