from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from syncwell.domain.errors import SetupError
from syncwell.runtime.supervisor import ProcessSpec, Supervisor, sole_owner

SERVICE = """
import pathlib, signal, sys, time
marks = pathlib.Path(sys.argv[1])
def stop(*_):
    with marks.open("a") as f: f.write(f"stop {sys.argv[2]}\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
with marks.open("a") as f: f.write(f"start {sys.argv[2]}\\n")
print("hello", flush=True)
while True: time.sleep(0.05)
"""


class Bench:
    """Two tiny services whose starts and stops leave marks in a file."""

    def __init__(self, folder: Path) -> None:
        self.marks = folder / "marks"
        self.marks.touch()
        self.lines: list[tuple[str, str]] = []

    def spec(self, name: str, program: str = SERVICE, stage: int = 0) -> ProcessSpec:
        async def is_ready() -> bool:
            return f"start {name}" in self.marks.read_text()

        arguments = [sys.executable, "-c", program, str(self.marks), name]
        return ProcessSpec(name, arguments, dict(os.environ), is_ready, stage)

    def supervisor(self, *specs: ProcessSpec) -> Supervisor:
        return Supervisor(specs, cwd=self.marks.parent, write_line=lambda name, line: self.lines.append((name, line)))

    async def until(self, mark: str, count: int) -> None:
        async with asyncio.timeout(10):
            while self.marks.read_text().count(mark) < count:
                await asyncio.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_processes_start_in_order_and_stop_in_reverse(bench: Bench) -> None:
    """A stage starts when the one before is ready; the last started stops first."""
    supervisor = bench.supervisor(bench.spec("a"), bench.spec("b", stage=1))
    await supervisor.start()
    await supervisor.stop()

    assert bench.marks.read_text().split("\n")[:-1] == ["start a", "start b", "stop b", "stop a"]
    assert ("a", "hello") in bench.lines


async def test_killed_process_is_started_again(bench: Bench) -> None:
    """A service that dies comes back without help."""
    supervisor = bench.supervisor(bench.spec("a"))
    await supervisor.start()
    first = supervisor.pid_of("a")
    os.kill(first, signal.SIGKILL)

    await bench.until("start a", 2)

    assert supervisor.pid_of("a") != first
    await supervisor.stop()


async def test_process_with_a_wrong_set_up_is_not_restarted(bench: Bench) -> None:
    """A service that ends with the set-up code stops the start with a clear error."""
    broken = bench.spec("broken", "import sys; print('port 80 is taken', file=sys.stderr); sys.exit(2)")
    supervisor = bench.supervisor(bench.spec("a"), broken)

    with pytest.raises(SetupError, match="broken"):
        await supervisor.start()

    assert ("broken", "port 80 is taken") in bench.lines
    assert "stop a" in bench.marks.read_text()


def test_only_one_owner_of_a_data_directory(tmp_path: Path) -> None:
    """A second installation on the same directory is refused while the first runs, and welcome after."""
    with (
        sole_owner(tmp_path / "run"),
        pytest.raises(SetupError, match="another SyncWell"),
        sole_owner(tmp_path / "run"),
    ):
        pass

    with sole_owner(tmp_path / "run"):
        pass
