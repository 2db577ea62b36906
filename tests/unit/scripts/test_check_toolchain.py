from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "check_toolchain.py"


def run_with_path(path: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path}
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def fake_cargo(folder: Path, script: str) -> str:
    cargo = folder / "cargo"
    cargo.write_text(f"#!/bin/sh\n{script}\n")
    cargo.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_missing_toolchain_says_what_to_install(tmp_path: Path) -> None:
    """Without cargo the set-up stops with one line that names rustup."""
    ended = run_with_path(str(tmp_path))

    assert ended.returncode == 1
    assert "no Rust toolchain" in ended.stderr
    assert "rustup" in ended.stderr


def test_old_toolchain_says_how_to_update(tmp_path: Path) -> None:
    """A toolchain below the floor is named together with the command that mends it."""
    ended = run_with_path(fake_cargo(tmp_path, "echo 'cargo 1.60.0 (abc 2022-04-01)'"))

    assert ended.returncode == 1
    assert "rustup update" in ended.stderr


def test_broken_toolchain_is_reported(tmp_path: Path) -> None:
    """A cargo that fails is reported with what it said."""
    ended = run_with_path(fake_cargo(tmp_path, "echo 'no default toolchain' >&2; exit 1"))

    assert ended.returncode == 1
    assert "no default toolchain" in ended.stderr


def test_sufficient_toolchain_passes(tmp_path: Path) -> None:
    """A toolchain at the floor is enough."""
    ended = run_with_path(fake_cargo(tmp_path, "echo 'cargo 1.83.0 (abc 2024-11-28)'"))

    assert ended.returncode == 0
    assert ended.stderr == ""
