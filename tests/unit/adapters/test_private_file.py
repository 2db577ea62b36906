"""Secrets in files are private from their first byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncwell.adapters.private_file import load_or_create
from syncwell.domain.errors import SetupError


def test_content_is_made_once_and_private(tmp_path: Path) -> None:
    """The first call makes the file, later ones read it; nobody else can."""
    made = iter([b"one", b"two"])

    first = load_or_create(tmp_path / "secret", lambda: next(made))
    second = load_or_create(tmp_path / "secret", lambda: next(made))

    assert (first, second) == (b"one", b"one")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_loser_of_a_race_reads_the_winners_content(tmp_path: Path) -> None:
    """A file that appears while ours is being made holds."""
    path = tmp_path / "secret"

    def make() -> bytes:
        load_or_create(path, lambda: b"winner")
        return b"loser"

    assert load_or_create(path, make) == b"winner"


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """An open file is never used; the message says how to mend it."""
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0o640)

    with pytest.raises(SetupError, match="chmod 600"):
        load_or_create(path, bytes)


def test_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A missing folder is told with the path."""
    with pytest.raises(SetupError, match="no-such-folder"):
        load_or_create(tmp_path / "no-such-folder" / "secret", lambda: b"x")
