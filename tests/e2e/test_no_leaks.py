"""Tokens, names, places and heart rates travel through a real run and stay nowhere (invariants I9d and I9t).

What may hold them is not looked at: the sandboxes' memory, and sealed bytes, which match nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from syncwell.cli.sandboxes import CLIENT_SECRET
from syncwell.sandbox.ids import IdSource
from tests.e2e import observed_run
from tests.e2e.marker_scan import (
    Finding,
    plant,
    scan,
    spellings_of_degrees,
    spellings_of_series,
    spellings_of_text,
)
from tests.e2e.observed_run import ObservedRun

pytestmark = pytest.mark.timeout(120)

TOKENS_OF_A_KIND = 12  # the run uses fewer
SECRET_FILE = "sandbox-client-secret"  # the installation's own setting, which an operator wrote there


def markers_of(observed: ObservedRun) -> dict[str, Mapping[str, bytes]]:
    texts = {
        "title": observed_run.TITLE,
        "note": observed_run.NOTE,
        "title at the destination": observed_run.OTHER_TITLE,
        "e-mail": observed_run.EMAIL,
        "client secret": CLIENT_SECRET,
        "token of the person": observed.person_token,
        "signature of that token": observed.person_token.rpartition(".")[2],
    }
    for provider in ("garmin", "strava"):
        ids = IdSource(f"{provider}|syncwell")
        for kind in ("access", "refresh", "code", "jti", "file"):
            texts |= {f"{provider} {kind} {n}": ids.text(kind) for n in range(TOKENS_OF_A_KIND)}
    return {
        **{name: spellings_of_text(text) for name, text in texts.items()},
        "latitude": spellings_of_degrees(observed_run.LATITUDE),
        "longitude": spellings_of_degrees(observed_run.LONGITUDE),
        "heart rates": spellings_of_series(observed_run.HEART_RATES),
    }


def places_of(observed: ObservedRun) -> dict[str, bytes]:
    files = {name: data for name, data in observed.files.items() if not name.endswith(SECRET_FILE)}
    lines = "\n".join(line for _, line in observed.lines).encode()
    return {**files, "log lines": lines, "metrics": observed.metrics.encode()}


@pytest.fixture(scope="module")
def findings(observed: ObservedRun) -> list[Finding]:
    markers = markers_of(observed)
    return [found for place, data in places_of(observed).items() for found in scan(place, data, markers)]


def test_the_markers_did_travel(observed: ObservedRun) -> None:
    """The tokens looked for are those in use, and the marked workout was written to the destination."""
    assert observed.strava_knows_token
    assert observed.jobs[0]["counts"]["created"] == 1


def test_every_place_was_looked_at(observed: ObservedRun) -> None:
    """Store file, write-ahead log, traces, history, log lines and metrics are there and are not empty."""
    places = places_of(observed)
    for wanted in (
        "live:data/store.db-wal",
        "stopped:data/store.db",
        "live:traces/spans.jsonl",
        "log lines",
        "metrics",
    ):
        assert len(places[wanted]) > 1000, wanted
    assert any(name.startswith("live:history/") and data for name, data in places.items())


def test_nothing_is_left_anywhere(findings: list[Finding]) -> None:
    """No marker stands in any spelling in any place, neither while the services run nor after."""
    assert findings == []


@pytest.mark.parametrize("wrapping", plant(observed_run.NOTE.encode()))
def test_a_marker_planted_in_any_place_is_found(observed: ObservedRun, wrapping: str) -> None:
    """The same scan over the same bytes sees what is put into their middle, whatever it is wrapped in."""
    planted = plant(observed_run.NOTE.encode())[wrapping]
    markers = {"note": spellings_of_text(observed_run.NOTE)}
    for place, data in places_of(observed).items():
        middle = len(data) // 2
        assert scan(place, data[:middle] + planted + data[middle:], markers), place


def test_the_client_secret_is_found_where_it_belongs(observed: ObservedRun) -> None:
    """The scan of real files is alive: the one file that may hold a secret shows it."""
    files = {name: data for name, data in observed.files.items() if name.endswith(SECRET_FILE)}
    wanted = {"client secret": spellings_of_text(CLIENT_SECRET)}
    assert len(files) == 2
    assert all(scan(name, data, wanted) for name, data in files.items())


def test_only_private_files_are_made(observed: ObservedRun) -> None:
    """No temporary file is left behind."""
    assert not [name for name in observed.files if ":tmp/" in name]
