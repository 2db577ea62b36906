"""Says what is missing before the set-up begins, and how to get it."""

from __future__ import annotations

import shutil
import subprocess
import sys

RUST_MIN = (1, 83)


def main() -> int:
    """Returns 0 when Python and Rust suffice, else 1 after a line for each thing to mend."""
    problems = [*check_python(), *check_rust()]
    for problem in problems:
        sys.stderr.write(f"set-up: {problem}\n")
    return 1 if problems else 0


def check_python() -> list[str]:
    """Returns what is wrong with this interpreter."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this script runs before the project's own floor is checked
        found = sys.version.split()[0]
        return [f"Python 3.11 or newer is needed, this is {found}; call `make PYTHON=python3.11 setup`"]
    return []


def check_rust() -> list[str]:
    """Returns what is wrong with the Rust toolchain."""
    cargo = shutil.which("cargo")
    if cargo is None:
        return ["no Rust toolchain found (`cargo` is not on PATH); install one with rustup and run this again"]
    answer = subprocess.run([cargo, "--version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - a fixed command
    words = answer.stdout.split()
    if answer.returncode != 0 or len(words) < 2:
        return [f"`cargo --version` failed: {answer.stderr.strip()[:200]}; reinstall the toolchain with rustup"]
    version = tuple(int(part) for part in words[1].split("-")[0].split(".")[:2])
    if version < RUST_MIN:
        return [f"Rust {'.'.join(map(str, RUST_MIN))} or newer is needed, this is {words[1]}; run `rustup update`"]
    return []


if __name__ == "__main__":
    sys.exit(main())
