"""`python -m services.store`: the sole writer of an installation's data."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from services.store.app import SERVICE, run
from syncwell.domain.errors import SetupError
from syncwell.runtime.logs import configure_logs
from syncwell.runtime.settings import InstallationSettings, load

# The commit thread must get the interpreter back soon after its sync; the default of 5 ms would be added to commits.
SWITCH_SECONDS = 0.0005


def main() -> int:
    """Runs the store; returns the exit code."""
    try:
        settings = load(InstallationSettings)
        configure_logs(SERVICE, level=settings.log_level, log_format=settings.log_format)
        sys.setswitchinterval(SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings))
    except SetupError as exc:
        sys.stderr.write(f"{SERVICE}: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
