"""P1, peer: `python -m bench.peers.accept_store`, grpc.aio over SQLite that syncs each row."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import uvloop

from bench.peers.accept_wire import METHOD, SCHEMA, Accepted, NewJob, decode_job, encode

STOP_SECONDS_MAX = 5.0
_INSERT = "INSERT INTO jobs VALUES (?, ?, ?, 'QUEUED', ?, ?) ON CONFLICT DO NOTHING"


class Store:
    """One connection in one thread of its own; a row, a commit."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA cache_size = -65536")
        self._database.executescript(SCHEMA)
        rows = [(f"conn_{name}", "usr_bench", name, "active") for name in ("garmin", "strava")]
        self._database.executemany("INSERT INTO connections VALUES (?, ?, ?, ?)", rows)

    async def accept(self, job: NewJob, _context: object) -> Accepted:
        """Inserts the job durably, or finds the one that is there."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._insert, job)

    def _insert(self, job: NewJob) -> Accepted:
        values = (job.job_id, job.user, job.fingerprint, job.created_at_ms, job.body)
        if self._database.execute(_INSERT, values).rowcount == 1:
            return Accepted(job.fingerprint, is_replay=False)
        (fingerprint,) = self._database.execute(
            "SELECT fingerprint FROM jobs WHERE job_id = ?", (job.job_id,)
        ).fetchone()
        return Accepted(fingerprint, is_replay=True)


def handler_of(accept: Callable[[NewJob, object], Awaitable[Accepted]]) -> grpc.GenericRpcHandler:
    """Returns the one method of the service."""
    method = grpc.unary_unary_rpc_method_handler(accept, request_deserializer=decode_job, response_serializer=encode)
    service, name = METHOD.strip("/").split("/")
    return grpc.method_handlers_generic_handler(service, {name: method})


async def serve(path: str, address: str) -> None:
    """Serves until SIGTERM."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler_of(Store(path).accept),))
    server.add_insecure_port(address)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await server.start()
    await stopped.wait()
    await server.stop(STOP_SECONDS_MAX)


def main() -> int:
    """Runs the store."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.accept_store")
    parser.add_argument("--database", required=True)
    parser.add_argument("--address", required=True)
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(asked.database, asked.address))
    return 0


if __name__ == "__main__":
    sys.exit(main())
