"""A round of P1: the load generator's process, and the look for every accepted job in the store's file."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.rounds import BenchFailedError, Sample
from bench.waiters import WAITERS
from syncwell.cli.installation import project_root

GENERATOR_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send jobs, and where to find them afterwards."""

    port: int
    token: str = field(repr=False)
    source: str
    destination: str
    database: Path
    ids_query: str


async def send_jobs(folder: Path, target: Target, name: str, *, seconds: float, rate: float | None) -> Sample:
    """Drives one round from a process of its own.

    Raises:
        BenchFailedError: an answer was not 202, or an accepted job is not in the store.
    """
    body = {
        "sourceConnectionId": target.source,
        "destinationConnectionId": target.destination,
        "dataType": "workout",
        "mode": "manual",
        "priority": "high",
        "dryRun": False,
    }
    files = {kind: folder / f"{name}.{kind}" for kind in ("token", "body", "ids")}
    files["token"].write_text(target.token)
    files["body"].write_text(json.dumps(body))
    arguments = [sys.executable, "-m", "bench.load.accept_jobs", "--port", str(target.port)]
    arguments += ["--connections", str(WAITERS), "--seconds", str(seconds)]
    arguments += [part for kind, path in files.items() for part in (f"--{kind}-file", str(path))]
    arguments += [] if rate is None else ["--rate", str(rate)]
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=project_root(), stdout=asyncio.subprocess.PIPE, process_group=0
    )
    async with asyncio.timeout(seconds + GENERATOR_SECONDS_MAX):
        output, _ = await process.communicate()
    if process.returncode != 0:
        raise BenchFailedError("the load generator failed; its lines above say why")
    report = json.loads(output)
    if report["refused"]:
        raise BenchFailedError(f"{name}: {report['refused']} requests were not accepted: {report['first_refusals']}")
    await asyncio.to_thread(require_stored, target, files["ids"].read_text().split())
    facts = {fact: float(report[fact]) for fact in ("p50_ms", "p99_ms", "accepted", "refused", "seconds")}
    return Sample(float(report["rate"]), facts)


def require_stored(target: Target, job_ids: Sequence[str]) -> None:
    """Checks that every accepted job is a row.

    Raises:
        BenchFailedError: one is missing, or two requests got one job.
    """
    database = sqlite3.connect(f"file:{target.database}?mode=ro", uri=True)
    try:
        stored = {job_id for (job_id,) in database.execute(target.ids_query)}
    finally:
        database.close()
    missing = set(job_ids) - stored
    if missing or len(set(job_ids)) < len(job_ids):
        raise BenchFailedError(f"{len(missing)} accepted jobs are not in the store, of {len(job_ids)}")
