"""Runs the scheduler: `python -m services.scheduler`."""

import sys

from services.scheduler.app import run
from services.scheduler.settings import Settings
from syncwell.runtime.entry import run_service

if __name__ == "__main__":
    sys.exit(run_service("scheduler", Settings, run))
