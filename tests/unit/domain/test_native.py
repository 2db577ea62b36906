"""A stale or missing native core is told at the start."""

from __future__ import annotations

import importlib
import shutil
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from syncwell import native
from syncwell.domain.errors import SetupError, StaleNativeBuildError

RUST_CORE = Path(__file__).parents[3] / "rust_core"


@pytest.fixture
def copied_sources(tmp_path: Path) -> Path:
    """Returns a copy of the Rust sources that a test may change."""
    target = tmp_path / "rust_core"
    shutil.copytree(RUST_CORE, target, ignore=shutil.ignore_patterns("target"))
    return target


def test_fresh_build_passes_quickly() -> None:
    """A build of these very sources is accepted, in a few milliseconds."""
    native.ensure_fresh()
    begin = time.perf_counter()
    native.ensure_fresh()
    assert time.perf_counter() - begin < 0.1


def test_edited_source_is_noticed(copied_sources: Path) -> None:
    """One changed byte is enough, and the message names the mending command."""
    native.ensure_fresh(copied_sources)
    edited = copied_sources / "core" / "src" / "murmur3.rs"
    edited.write_bytes(edited.read_bytes() + b"\n")
    with pytest.raises(StaleNativeBuildError, match="make setup"):
        native.ensure_fresh(copied_sources)


@pytest.mark.parametrize("name", ["core/src/new.rs", "Cargo.lock"])
def test_added_or_removed_source_is_noticed(copied_sources: Path, name: str) -> None:
    """A file that came or went makes the build stale."""
    path = copied_sources / name
    if path.exists():
        path.unlink()
    else:
        path.write_text("//! New.\n")
    with pytest.raises(StaleNativeBuildError):
        native.ensure_fresh(copied_sources)


def test_build_products_and_notes_do_not_count(copied_sources: Path) -> None:
    """Only sources are compared."""
    (copied_sources / "target" / "debug").mkdir(parents=True)
    (copied_sources / "target" / "debug" / "generated.rs").write_text("fn main() {}")
    (copied_sources / "notes.md").write_text("x")
    native.ensure_fresh(copied_sources)


def test_installed_package_without_sources_passes(tmp_path: Path) -> None:
    """In a wheel there is nothing to compare with."""
    native.ensure_fresh(tmp_path / "nowhere")


def test_missing_core_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the native core nothing starts, and the message says what to do."""

    def refuse(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(SetupError, match="make setup"):
        native.ensure_fresh()


def test_core_older_than_the_check_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build from before the hash was embedded counts as no build."""
    monkeypatch.setitem(sys.modules, "syncwell._core", ModuleType("syncwell._core"))
    with pytest.raises(SetupError, match="make setup"):
        native.ensure_fresh()
