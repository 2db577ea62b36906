"""How every service process begins and ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TypeVar

import structlog
import uvloop

from syncwell.domain.errors import SetupError
from syncwell.native import ensure_fresh
from syncwell.runtime.logs import configure_logs
from syncwell.runtime.parentage import die_with_supervisor
from syncwell.runtime.settings import InstallationSettings, load, prepare_directories

SettingsT = TypeVar("SettingsT", bound=InstallationSettings)

SETUP_EXIT_CODE = 2  # the supervisor does not restart a process that ended so


def run_service(
    service: str, settings_kind: type[SettingsT], run: Callable[[SettingsT], Coroutine[object, object, None]]
) -> int:
    """Runs `run` until the process is asked to stop; returns the exit code.

    A wrong set-up ends with code 2 and one line on stderr that says how to mend it.
    """
    try:
        die_with_supervisor()
        ensure_fresh()
        settings = load(settings_kind)
        configure_logs(service, level=settings.log_level, log_format=settings.log_format)
        prepare_directories(settings)
        uvloop.run(run(settings))
    except SetupError as exc:
        sys.stderr.write(f"{service}: {exc.message}\n")
        return SETUP_EXIT_CODE
    structlog.get_logger().info("stopped")
    return 0
