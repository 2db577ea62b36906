"""Runs the services of one installation as processes: ordered start, restart, prefixed logs, ordered stop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from syncwell.domain.errors import SetupError
from syncwell.runtime.entry import SETUP_EXIT_CODE

RESTART_SECONDS_MIN = 0.2
RESTART_SECONDS_MAX = 10.0
STEADY_SECONDS = 30.0  # a process that lived this long starts again without delay
READY_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 29.0
END_SECONDS_MAX = 60.0
ENDS_KEPT = 100
LINE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One service process. `is_ready` answers whether it serves; it is asked until it does.

    Processes of one `stage` start side by side, when every lower stage is ready.
    """

    name: str
    arguments: Sequence[str]
    environment: dict[str, str]
    is_ready: Callable[[], Awaitable[bool]]
    stage: int = 0


@dataclass(slots=True)
class _Running:
    process: asyncio.subprocess.Process
    pumps: list[asyncio.Task[None]] = field(default_factory=list)
    started_at: float = 0.0


class Supervisor:
    """Keeps processes alive until told to stop.

    Start with `start()`, wait with `wait()`, end with `stop()`; processes start stage by stage and stop one by one in
    the reverse of the order given.
    """

    def __init__(self, specs: Sequence[ProcessSpec], *, cwd: Path, write_line: Callable[[str, str], None]) -> None:
        self._specs = list(specs)
        self._cwd = cwd
        self._write_line = write_line
        self._running: dict[str, _Running] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[SetupError] = asyncio.get_running_loop().create_future()
        self._ended: dict[int, int] = {}
        self._an_end = asyncio.Event()

    async def start(self) -> None:
        """Starts everything; returns when all are ready.

        Raises:
            SetupError: a process ended with a set-up error or did not become ready in time; all were stopped again.
        """
        try:
            for stage in sorted({spec.stage for spec in self._specs}):
                specs = [spec for spec in self._specs if spec.stage == stage]
                for spec in specs:
                    await self._launch(spec)
                for spec in specs:
                    await self._until_ready(spec)
                    self._keepers[spec.name] = asyncio.create_task(self._keep(spec), name=f"keep {spec.name}")
        except SetupError:
            await self.stop()
            raise

    async def wait(self) -> None:
        """Waits until a process cannot run at all.

        Raises:
            SetupError: what that process said.
        """
        raise await asyncio.shield(self._failed)

    def pid_of(self, name: str) -> int:
        """Returns the process id of a service, which changes with each restart."""
        return self._running[name].process.pid

    async def restart(self, name: str, *, once: Mapping[str, str]) -> None:
        """Ends a service in order and starts it anew; returns when it is ready.

        `once` is added to the environment of this one start; should the process die, it starts again without.
        """
        (spec,) = [spec for spec in self._specs if spec.name == name]
        self._keepers.pop(name).cancel()
        await self._end(self._running.pop(name))
        await self._launch(replace(spec, environment={**spec.environment, **once}))
        await self._until_ready(spec)
        self._keepers[name] = asyncio.create_task(self._keep(spec), name=f"keep {name}")

    async def wait_for_end(self, pid: int) -> int:
        """Returns the exit code of the process `pid` (negative: the signal), once it has ended."""
        async with asyncio.timeout(END_SECONDS_MAX):
            while True:
                if (code := self._ended.get(pid)) is not None:
                    return code
                await self._an_end.wait()

    async def stop(self) -> None:
        """Stops every process in reverse order, each with time to drain."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for spec in reversed(self._specs):
            running = self._running.pop(spec.name, None)
            if running is not None:
                await self._end(running)

    def _note_end(self, pid: int, code: int) -> None:
        self._ended[pid] = code
        while len(self._ended) > ENDS_KEPT:
            del self._ended[next(iter(self._ended))]
        self._an_end.set()
        self._an_end = asyncio.Event()

    async def _launch(self, spec: ProcessSpec) -> None:
        process = await asyncio.create_subprocess_exec(
            *spec.arguments,
            cwd=self._cwd,
            env=spec.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
            process_group=0,  # Ctrl-C reaches us alone; we stop the others in order
        )
        running = _Running(process, started_at=asyncio.get_running_loop().time())
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                running.pumps.append(asyncio.create_task(self._pump(spec.name, stream), name=f"logs {spec.name}"))
        self._running[spec.name] = running

    async def _until_ready(self, spec: ProcessSpec) -> None:
        process = self._running[spec.name].process
        deadline = asyncio.get_running_loop().time() + READY_SECONDS_MAX
        while not await spec.is_ready():
            if process.returncode is not None:
                await asyncio.gather(*self._running[spec.name].pumps)
                raise SetupError(f"{spec.name} ended with code {process.returncode}; its last lines say why")
            if asyncio.get_running_loop().time() > deadline:
                raise SetupError(f"{spec.name} was not ready within {READY_SECONDS_MAX:.0f} s; see its log lines")
            await asyncio.sleep(0.02)

    async def _keep(self, spec: ProcessSpec) -> None:
        delay = RESTART_SECONDS_MIN
        while True:
            running = self._running[spec.name]
            code = await running.process.wait()
            self._note_end(running.process.pid, code)
            await asyncio.gather(*running.pumps)
            if code == SETUP_EXIT_CODE:
                if not self._failed.done():
                    self._failed.set_result(SetupError(f"{spec.name} cannot run; its last lines say why"))
                return
            lived = asyncio.get_running_loop().time() - running.started_at
            delay = RESTART_SECONDS_MIN if lived > STEADY_SECONDS else min(delay * 2, RESTART_SECONDS_MAX)
            self._write_line("up", f"{spec.name} ended with code {code}; starting it again in {delay:.1f} s")
            await asyncio.sleep(delay)
            await self._launch(spec)

    async def _pump(self, name: str, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # a line over the limit: asyncio drops it and goes on
                self._write_line(name, "(a line longer than 64 KB was left out)")
                continue
            if not line:
                return
            self._write_line(name, line.decode("utf-8", "replace").rstrip())

    async def _end(self, running: _Running) -> None:
        if running.process.returncode is None:
            running.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await running.process.wait()
            except TimeoutError:
                running.process.kill()
                await running.process.wait()
        await asyncio.gather(*running.pumps)


@contextmanager
def sole_owner(run_dir: Path) -> Iterator[None]:
    """Holds the installation's lock while the body runs.

    Raises:
        SetupError: another SyncWell runs on this data directory.
    """
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SetupError(
            f"another SyncWell runs on {run_dir.parent}; stop it or choose another SYNCWELL_DATA_DIR"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


def python_module(module: str, *arguments: str) -> list[str]:
    """Returns the command line that runs `module` with this interpreter."""
    return [sys.executable, "-m", module, *arguments]
