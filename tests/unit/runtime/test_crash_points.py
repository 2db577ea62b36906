"""Crash points die at the visit that was asked for, and nowhere in production."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncwell.domain.errors import SetupError
from syncwell.runtime.crash_points import make_crash_points, parse_crash_point
from syncwell.runtime.settings import InstallationSettings, Profile

PROGRAM = """
from syncwell.runtime.crash_points import ArmedCrashPoint
point = ArmedCrashPoint("worker.after_upload", 2)
point.reach("worker.after_upload")
point.reach("worker.other")
print("alive", flush=True)
point.reach("worker.after_upload")
print("never", flush=True)
"""


def test_armed_point_kills_at_the_named_visit() -> None:
    """The process dies by SIGKILL at the second visit, not before and not elsewhere."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == "alive\n"


SWITCHED = """
import sys
from pathlib import Path
from syncwell.runtime.crash_points import SwitchedCrashPoint
path = Path(sys.argv[1])
point = SwitchedCrashPoint(path)
point.reach("gateway.after_accept")
path.write_text("gateway.after_accept:2")
point.reach("gateway.after_accept")
point.reach("gateway.before_accept")
print("alive", flush=True)
point.reach("gateway.after_accept")
print("never", flush=True)
"""


def test_switched_point_asks_its_file_and_is_spent_once(tmp_path: Path) -> None:
    """A running process is armed by a file, which is gone when it has died, so that its successor lives."""
    switch = tmp_path / "crash"
    command = [sys.executable, "-c", SWITCHED, str(switch)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - ours

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == "alive\n"
    assert not switch.exists()


@pytest.mark.parametrize("crash_at", ["store.after_commit:1", "@/tmp/switch"])
def test_production_refuses_crash_points(crash_at: str, tmp_path: Path) -> None:
    """Neither kind can be armed in a production profile."""
    settings = InstallationSettings(data_dir=tmp_path, profile=Profile.PRODUCTION, crash_at=crash_at)
    with pytest.raises(SetupError):
        make_crash_points(settings)


@pytest.mark.parametrize("text", ["", "point", "point:", ":1", "point:0", "point:x"])
def test_crash_points_have_one_spelling(text: str) -> None:
    """Whatever is not `point:n` is refused instead of never coming."""
    with pytest.raises(SetupError):
        parse_crash_point(text)
