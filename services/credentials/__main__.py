"""Runs the credentials service: `python -m services.credentials`."""

import sys

from services.credentials.app import SERVICE, run
from services.credentials.settings import Settings
from syncwell.runtime.entry import run_service

if __name__ == "__main__":
    sys.exit(run_service(SERVICE, Settings, run))
