"""Refuses to start with a native core that is missing or older than its sources.

A stale build is the worst kind of bug report: the sources say one thing and the process does another. In an editable
checkout the Rust sources lie beside the package, so their hash is compared with the one that the build carries; in an
installed wheel there is nothing to compare.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from pathlib import Path

from syncwell.domain.errors import SetupError, StaleNativeBuildError

_MENDING_COMMAND = "make setup"
_SOURCE_ROOT = Path(__file__).resolve().parents[2] / "rust_core"
_LENGTH_BYTES = 8
_MANIFESTS = frozenset({"Cargo.toml", "Cargo.lock"})


def ensure_fresh(source_root: Path = _SOURCE_ROOT) -> None:
    """Returns if the native core can be used; takes a few milliseconds.

    Args:
        source_root: Folder of the Rust workspace; where it does not exist, the build is taken as it is.

    Raises:
        SetupError: `syncwell._core` cannot be imported.
        StaleNativeBuildError: the build was made from other sources than those in `source_root`.
    """
    built = _built_hash()
    if (source_root / "Cargo.toml").is_file() and built != source_hash(source_root):
        raise StaleNativeBuildError(f"the native core is older than its sources: run `{_MENDING_COMMAND}`")


def source_hash(source_root: Path) -> str:
    """Returns the SHA-256 of names and contents of all Rust sources, as the build computes it.

    Raises:
        SetupError: a source file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for name, path in sorted(_sources(source_root)):
            for part in (name.encode(), path.read_bytes()):
                digest.update(len(part).to_bytes(_LENGTH_BYTES, "little"))
                digest.update(part)
    except OSError as exc:
        raise SetupError(f"the Rust sources cannot be read ({exc.strerror}): check {source_root}") from exc
    return digest.hexdigest()


def _built_hash() -> str:
    try:
        core = importlib.import_module("syncwell._core")
        built = core.SOURCE_HASH
    except (ImportError, AttributeError) as exc:
        raise SetupError(f"the native core cannot be loaded: run `{_MENDING_COMMAND}`") from exc
    return str(built)


def _sources(source_root: Path) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for folder, subfolders, names in os.walk(source_root):
        subfolders[:] = [name for name in subfolders if name != "target" and not name.startswith(".")]
        for name in names:
            if Path(name).suffix == ".rs" or name in _MANIFESTS:
                path = Path(folder, name)
                found.append((path.relative_to(source_root).as_posix(), path))
    return found
