"""`syncwell doctor`: what is wrong with a set-up, one line a finding, each with its cure."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from syncwell.cli.installation import GRPC_SERVICES, is_serving, project_root
from syncwell.domain.errors import SyncWellError
from syncwell.native import ensure_fresh
from syncwell.runtime.settings import InstallationSettings, prepare_directories

FREE_BYTES_MIN = 500 * 1024 * 1024  # below it the store may fill the disk within a day


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `cure` is empty where all is well."""

    subject: str
    state: str
    cure: str = ""


async def examine(settings: InstallationSettings, port: int) -> list[Finding]:
    """Looks at everything a start depends on; never changes anything but missing directories."""
    findings = [
        _check("native core", ensure_fresh, "fresh"),
        _check("services", project_root, "found"),
        _check("data directory", lambda: prepare_directories(settings), str(settings.data_dir)),
        _disk(settings.data_dir),
        *_private_files(settings.keys_dir),
        _database(settings.store_path),
    ]
    running = [name for name in GRPC_SERVICES if await is_serving(settings.address_of(name))]
    findings.append(_services(running))
    findings.append(_port(port, is_ours=bool(running)))
    return findings


def print_findings(findings: list[Finding]) -> int:
    """Prints the findings; returns 1 if something is wrong."""
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = "[red]✗[/]" if finding.cure else "[green]✓[/]"
        console.print(f"{mark} {finding.subject}: {finding.state}")
        if finding.cure:
            console.print(f"    → {finding.cure}")
    return int(any(finding.cure for finding in findings))


def _check(subject: str, look: Callable[[], object], well: str) -> Finding:
    try:
        look()
    except SyncWellError as exc:
        return Finding(subject, "not usable", exc.message)
    return Finding(subject, well)


def _disk(data_dir: Path) -> Finding:
    try:
        free = shutil.disk_usage(data_dir).free
    except OSError as exc:
        return Finding("disk", "unknown", f"{data_dir}: {exc.strerror}")
    state = f"{free // 1024 // 1024} MB free"
    if free < FREE_BYTES_MIN:
        return Finding("disk", state, "free some space; at 0 the store serves reads only")
    return Finding("disk", state)


def _private_files(keys_dir: Path) -> list[Finding]:
    if not keys_dir.is_dir():
        return []
    open_files = [path for path in sorted(keys_dir.iterdir()) if path.stat().st_mode & 0o077]
    return [Finding("key file", f"{path.name} can be read by others", f"chmod 600 {path}") for path in open_files]


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding("store", "not made yet")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0) as database:
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        return Finding("store", f"cannot be opened ({exc})", f"restore a backup over {path}")
    if answer != "ok":
        return Finding("store", "damaged", f"restore a backup over {path}")
    return Finding("store", f"{path.stat().st_size // 1024} kB, sound")


def _services(running: list[str]) -> Finding:
    if not running:
        return Finding("running", "nothing; start with `syncwell up`")
    missing = sorted(set(GRPC_SERVICES) - set(running))
    if missing:
        return Finding("running", f"{', '.join(missing)} not serving", "see the log lines of `syncwell up`")
    return Finding("running", "all services serve")


def _port(port: int, *, is_ours: bool) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            if is_ours:
                return Finding("gateway port", f"{port} in use, by this installation it seems")
            return Finding("gateway port", f"{port} is taken", "stop what uses it, or `syncwell up --port 8090`")
    return Finding("gateway port", f"{port} is free")
