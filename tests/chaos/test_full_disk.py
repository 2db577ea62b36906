"""A disk without space: writes are refused politely, reads go on, nothing accepted is lost, no restart is needed."""

from __future__ import annotations

import resource
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.installation import Installation, running
from tests.chaos.judgement import wrongs_of

KEY = "6a1f3c0e-7d1b-4c58-9a53-2f0e8d4b7a11"
FILE_BYTES_MAX = 4096  # no file of the store may grow beyond it: what a full disk does to the write-ahead log


def limit_files_of(world: Installation, limit: int) -> None:
    """Bounds the files that the running store may write; the hard limit stays, so that the bound can be lifted."""
    resource.prlimit(world.supervisor.pid_of("store"), resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


@pytest.mark.timeout(120)
async def test_full_disk_refuses_writes_serves_reads_and_recovers(tmp_path: Path) -> None:
    """While the disk is full a submission gets 503 with Retry-After; afterwards the same store process takes it."""
    async with running(tmp_path) as world:
        await world.seed()
        first = await world.submit()
        await world.finish(first)
        store = world.supervisor.pid_of("store")
        limit_files_of(world, FILE_BYTES_MAX)
        wish = {"sourceConnectionId": world.garmin, "destinationConnectionId": world.strava, "dataType": "workout"}
        headers = {"Authorization": f"Bearer {world.client.token}", "Idempotency-Key": KEY}
        body = {**wish, "mode": "manual", "priority": "high"}
        async with aiohttp.ClientSession(headers=headers) as http:
            async with http.post(f"{world.client.url}/v1/sync-jobs", json=body) as refused:
                problem = await refused.json(content_type=None)
                assert refused.status == 503, problem
                assert refused.headers["Content-Type"] == "application/problem+json"
                assert int(refused.headers["Retry-After"]) >= 1
            async with http.get(f"{world.client.url}/v1/sync-jobs/{first}") as read:
                assert read.status == 200
        limit_files_of(world, resource.RLIM_INFINITY)
        await world.seed()
        second = await world.submit(key=KEY)
        assert (await world.finish(second))["status"] == "SUCCEEDED"
        assert world.supervisor.pid_of("store") == store
        assert await wrongs_of(world) == []
