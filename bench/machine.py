"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path

from bench.figure import Json
from bench.rounds import BenchFailedError

SYNC_COUNT = 200
SYNC_BYTES = 4096
_MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
_PEERS = (
    "aioboto3",
    "aiohttp",
    "aiosqlite",
    "apsw",
    "celery",
    "dramatiq",
    "fastapi",
    "grpcio",
    "hiredis",
    "huey",
    "moto",
    "redis",
    "taskiq",
    "taskiq-redis",
    "uvicorn",
    "uvloop",
)


def describe_machine(folder: Path) -> dict[str, Json]:
    """Returns processor, memory, system, and how long the disk of `folder` takes to sync.

    Raises:
        BenchFailedError: `folder` lies in memory, where syncing is free and durability a fiction.
    """
    file_system = file_system_of(folder)
    if file_system in _MEMORY_FILE_SYSTEMS:
        raise BenchFailedError(f"{folder} is on {file_system}; name a folder on a disk with SYNCWELL_BENCH_DIR")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": file_system,
        "sync_p50_ms": round(_sync_p50_ms(folder), 3),
    }


def describe_versions(redis_server: str) -> dict[str, Json]:
    """Returns the versions of everything that takes part."""
    versions: dict[str, Json] = {"python": platform.python_version(), "redis-server": redis_server}
    for name in ("syncwell", *_PEERS):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def file_system_of(folder: Path) -> str:
    """Returns the type of the file system that holds `folder`."""
    best, kind = "", "unknown"
    path = str(folder.resolve())
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, this_kind, *_ = line.split(" ")
        if (path == mount or path.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, this_kind
    return kind


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _sync_p50_ms(folder: Path) -> float:
    path = folder / "sync-probe"
    taken = []
    with path.open("wb", buffering=0) as file:
        # Logs of databases write over what they have; a growing file would time the file system's own journal.
        file.write(bytes(SYNC_BYTES * SYNC_COUNT))
        os.fsync(file.fileno())
        file.seek(0)
        for _ in range(SYNC_COUNT):
            file.write(bytes(SYNC_BYTES))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - begun) * 1000)
    path.unlink()
    return statistics.median(taken)
