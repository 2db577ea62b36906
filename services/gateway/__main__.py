"""Runs the gateway: `python -m services.gateway`."""

import sys

from services.gateway.app import run
from services.gateway.settings import Settings
from syncwell.runtime.entry import run_service

if __name__ == "__main__":
    sys.exit(run_service("gateway", Settings, run))
