"""Runs the sole writer of an installation's data: `python -m services.store`."""

import sys

from services.store.app import SERVICE, run
from syncwell.runtime.entry import run_service
from syncwell.runtime.settings import InstallationSettings

# The commit thread must get the interpreter back soon after its sync; the default of 5 ms would be added to commits.
SWITCH_SECONDS = 0.0005

if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_SECONDS)
    sys.exit(run_service(SERVICE, InstallationSettings, run))
