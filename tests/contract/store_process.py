"""A real store process for tests: starts, kills and stops `python -m services.store`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from syncwell.runtime.clock import OffsetClock
from syncwell.runtime.settings import InstallationSettings

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 20.0


class StoreProcess:
    """One store on its own data directory and its own movable clock."""

    def __init__(self, data_dir: Path) -> None:
        self._clock_file = data_dir / "clock"
        OffsetClock.create(self._clock_file)
        self.clock = OffsetClock(self._clock_file)
        self.settings = InstallationSettings(data_dir=data_dir, clock_file=self._clock_file)
        self._log = data_dir / "store.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self.settings.address_of("store")

    @property
    def path(self) -> Path:
        return self.settings.store_path

    @property
    def log_text(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def start(self) -> None:
        """Starts it and waits until its socket takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.store"], cwd=ROOT, env=self.environment(), stderr=log
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._is_listening():
            assert self._process.poll() is None, self.log_text
            assert time.monotonic() < deadline, "the store did not start in time"
            time.sleep(0.01)

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS_MAX)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS_MAX)

    def end(self) -> None:
        """Leaves nothing running, whatever the test did."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def environment(self) -> dict[str, str]:
        """What the process finds; the library may be run from the source tree, before it is installed."""
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python"),
            "SYNCWELL_DATA_DIR": str(self.settings.data_dir),
            "SYNCWELL_CLOCK_FILE": str(self._clock_file),
        }

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.address.removeprefix("unix:")) == 0
