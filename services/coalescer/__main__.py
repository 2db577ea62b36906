"""Runs the coalescer: `python -m services.coalescer`."""

import sys

from services.coalescer.app import run
from services.coalescer.settings import Settings
from syncwell.runtime.entry import run_service

if __name__ == "__main__":
    sys.exit(run_service("coalescer", Settings, run))
