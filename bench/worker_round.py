"""A round of one worker process: everything is enqueued before, and the clock runs from the first job to the last."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bench.job_maker import JobMaker, require_success
from bench.processes import running
from bench.rounds import BenchFailedError, Sample
from syncwell.cli.installation import project_root
from syncwell.ports.job_queue import JobClass
from syncwell.runtime.backends import Backends

ROUND_SECONDS_MAX = 180.0
LOOK_SECONDS = 0.005


async def run_worker(
    module: str, data_dir: Path, maker: JobMaker, backends: Backends, *, count: int, environment: Mapping[str, str]
) -> Sample:
    """Accepts `count` jobs, starts a worker process, and returns jobs a second from the first to the last.

    Raises:
        BenchFailedError: they were not all done in time, or one did not succeed.
    """
    accepted = await maker.accept(count)
    whole = {
        **os.environ,
        **environment,
        "SYNCWELL_DATA_DIR": str(data_dir),
        "SYNCWELL_SUPERVISOR_PID": str(os.getpid()),
    }

    async def has_begun() -> bool:
        return await backends.queue.depth(JobClass.INTERACTIVE) < count

    log = data_dir / f"{module.rpartition('.')[2]}.log"
    worker = [sys.executable, "-m", module]
    async with running(worker, has_begun, log=log, environment=whole, cwd=project_root()):
        begun, left_at_first = time.perf_counter(), await backends.queue.depth(JobClass.INTERACTIVE)
        seconds = await _until_empty(backends, begun)
    await require_success(backends, accepted)
    return Sample(left_at_first / seconds, {"jobs": float(count)})


async def _until_empty(backends: Backends, begun: float) -> float:
    while (left := await backends.queue.depth(JobClass.INTERACTIVE)) > 0:
        if time.perf_counter() - begun > ROUND_SECONDS_MAX:
            raise BenchFailedError(f"{left} jobs were not done in {ROUND_SECONDS_MAX:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter() - begun
