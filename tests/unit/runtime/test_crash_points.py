from __future__ import annotations

import signal
import subprocess
import sys

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
