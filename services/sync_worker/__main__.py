"""Runs the sync worker: `python -m services.sync_worker`."""

import sys

from services.sync_worker.app import SERVICE, run
from services.sync_worker.settings import Settings
from syncwell.runtime.entry import run_service

if __name__ == "__main__":
    sys.exit(run_service(SERVICE, Settings, run))
