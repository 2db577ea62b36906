"""Fingerprints tell change and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.fingerprint import fingerprint, fingerprint_many

FILE = json.loads((Path(__file__).parents[2] / "vectors" / "field_fingerprint.json").read_text(encoding="utf-8"))
KEY = bytes.fromhex(FILE["key_hex"])


@pytest.mark.parametrize("row", FILE["vectors"])
def test_fingerprint_never_changes(row: dict[str, str | int]) -> None:
    """Stored links keep their meaning: these values are fixed for ever."""
    assert fingerprint(KEY, str(row["field"]), str(row["value"])) == row["fingerprint"]


def test_key_field_and_value_all_count() -> None:
    """Equal values under another key or field have other fingerprints; text and its UTF-8 have the same."""
    values = {
        fingerprint(KEY, "title", "Run"),
        fingerprint(KEY, "notes", "Run"),
        fingerprint(bytes(16), "title", "Run"),
        fingerprint(KEY, "title", "run"),
        fingerprint(KEY, "titl", "eRun"),
    }
    assert len(values) == 5
    assert fingerprint(KEY, "title", "Läufe") == fingerprint(KEY, "title", "Läufe".encode())


def test_many_are_as_one_by_one() -> None:
    """The batch gives what single calls give, in order."""
    texts = ["", "a", "b" * 1_000, "走る"]
    assert fingerprint_many(KEY, "title", texts) == [fingerprint(KEY, "title", text) for text in texts]


@pytest.mark.parametrize("key", [b"", bytes(15), bytes(17)])
def test_key_of_another_length_is_refused(key: bytes) -> None:
    """A key that is too short is never padded."""
    with pytest.raises(InvalidInputError):
        fingerprint(key, "title", "Run")
