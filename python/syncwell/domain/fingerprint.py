"""Fingerprints of field values: they tell that a value changed without keeping it."""

from __future__ import annotations

from collections.abc import Sequence

from syncwell import _core

KEY_BYTES = 16


def fingerprint(key: bytes, field_name: str, value: str | bytes) -> int:
    """Returns the keyed 64-bit fingerprint of a value, unsigned.

    Equal values of one field have equal fingerprints under one key; under another key or field they say nothing about
    each other. Text counts as its UTF-8.

    Warning: `resolve` ignores space around a text when it compares; give it fingerprints that it made itself
    (`Decision.field_fingerprints`), not ones made here.

    Raises:
        InvalidInputError: the key has not 16 bytes, or a text is not valid Unicode.
    """
    return _core.fingerprint(key, field_name, value)


def fingerprint_many(key: bytes, field_name: str, values: Sequence[str]) -> list[int]:
    """Returns the fingerprint of each value, in order.

    Raises:
        InvalidInputError: the key has not 16 bytes, or a text is not valid Unicode.
    """
    return _core.fingerprint_many(key, field_name, list(values))
