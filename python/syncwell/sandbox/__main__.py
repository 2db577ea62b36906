"""`python -m syncwell.sandbox strava --port 0`: a sandbox as a process.

The first line on standard output is JSON: `{"provider":"strava","url":"http://127.0.0.1:40123"}`. SIGTERM and SIGINT
end it in order.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from syncwell.ports.history import History
from syncwell.runtime.parentage import die_with_supervisor
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.history import HISTORY_VARIABLE, history_of
from syncwell.sandbox.oauth import ClientRegistration
from syncwell.sandbox.sandbox import Sandbox
from syncwell.sandbox.server import SandboxHost, serving
from syncwell.sandbox.strava.sandbox import StravaSandbox

SANDBOXES: dict[str, type[StravaSandbox] | type[GarminSandbox]] = {"strava": StravaSandbox, "garmin": GarminSandbox}
EXIT_UNUSABLE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sandbox that the command line names until a signal ends it; returns the exit code."""
    options = _parser().parse_args(arguments)
    die_with_supervisor()
    try:
        asyncio.run(_run(options))
    except OSError as exc:
        what = exc.filename or f"{options.host}:{options.port}"
        sys.stderr.write(f"cannot use {what}: {exc.strerror}; choose another --port or --books\n")
        return EXIT_UNUSABLE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m syncwell.sandbox", description="A provider on this machine.")
    parser.add_argument("provider", choices=sorted(SANDBOXES))
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--books", type=Path, help="append each call to this file, one JSON line a call")
    parser.add_argument("--client-id", default="sandbox-client")
    parser.add_argument("--client-secret", default="sandbox-secret")
    parser.add_argument("--seed", default="syncwell", help="the same seed gives the same ids and tokens")
    return parser


async def _run(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    clock = MovableClock()
    history = history_of(os.environ.get(HISTORY_VARIABLE), options.provider, clock)
    host = SandboxHost(lambda: _make(options, clock, history))
    async with serving(host, address=options.host, port=options.port) as url:
        line = msgspec.json.encode({"provider": options.provider, "url": url}).decode()
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _make(options: argparse.Namespace, clock: MovableClock, history: History) -> Sandbox:
    return SANDBOXES[options.provider](
        client=ClientRegistration(options.client_id, options.client_secret),
        clock=clock,
        history=history,
        seed=options.seed,
        books_path=options.books,
    )


if __name__ == "__main__":
    sys.exit(main())
