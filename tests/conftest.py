"""Makes skips loud: each is listed at the end, and in CI one that is not allowed fails the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def allowed_parts() -> list[str]:
    lines = ALLOWED.read_text("utf-8").splitlines()
    return [line.split("|")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def skips_of(reporter: pytest.TerminalReporter) -> list[tuple[str, str]]:
    found = []
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found.append((report.nodeid, reason))
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI") != "true":
        return
    parts = allowed_parts()
    unlisted = [nodeid for nodeid, reason in skips_of(reporter) if not any(part in reason for part in parts)]
    if unlisted and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skips = skips_of(terminalreporter)
    if not skips:
        return
    parts = allowed_parts()
    terminalreporter.section(f"{len(skips)} skipped")
    for nodeid, reason in skips:
        mark = "allowed" if any(part in reason for part in parts) else "NOT ON THE LIST (tests/allowed_skips.txt)"
        terminalreporter.write_line(f"{nodeid}: {reason} [{mark}]")
