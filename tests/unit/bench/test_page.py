"""The page made of the book."""

from __future__ import annotations

from typing import Any

import pytest

from bench import page
from bench.bars import TIMES


def _row(**changes: Any) -> dict[str, Any]:  # reason: any field of a row may be changed
    row = {
        "id": "P9.x",
        "what": "a thing",
        "ours": 12345.6,
        "peer": 2000.0,
        "peer_name": "peer",
        "unit": "1/s",
        "ratio": 6.1728,
        "must": f"≥ 2{TIMES}",
        "aim": f"≥ 8{TIMES}",
        "holds": "must",
        "warm_up": "one round",
        "ours_rounds": [12000.0, 12345.6, 13000.0],
        "ours_settings": "as it ships",
        "peers": [{"name": "peer", "median": 2000.0, "rounds": [1900.0, 2000.0], "settings": "tuned", "facts": {}}],
        "facts": {"p99_ms": 1.25},
        "reason": "the loop is full.",
        "absence": "",
        "date": "2026-01-02",
        "load_average": [0.1, 0.2, 0.3],
    }
    return {**row, **changes}


def _book(*rows: dict[str, Any]) -> dict[str, Any]:
    machine = {
        "processor": "cpu",
        "cores": 2,
        "memory_gib": 4.0,
        "kernel": "Linux 6",
        "file_system": "ext4",
        "sync_p50_ms": 0.2,
    }
    versions = {"redis": "8.1", "absent": None}
    return {"machine": machine, "versions": versions, "date": "now", "command": "make bench", "rows": list(rows)}


def test_page_shows_figure_settings_and_spread() -> None:
    """A row says what was measured, both medians, the ratio, the spread, and how the peer was set."""
    text = page.render(_book(_row()))

    assert f"| P9.x | a thing | 12,346 1/s | 2,000 1/s (peer) | 6.17{TIMES} | ≥ 2{TIMES} | ≥ 8{TIMES} | must |" in text
    assert "12,000 to 13,000 in 3" in text
    assert "tuned" in text
    assert "redis 8.1" in text
    assert "absent" not in text


def test_missed_bar_has_a_paragraph() -> None:
    """A missed aim is named with its figures and what the profile shows; a cleared one is not."""
    text = page.render(_book(_row(), _row(id="P8", holds="aim"), _row(id="P7", holds="missed")))

    assert (
        f"**P9.x** misses its aim (≥ 8{TIMES}): 12,346 1/s, p99_ms 1.25 beside 2,000 1/s of peer, 6.17{TIMES}. " in text
    )
    assert f"**P7** misses its must (≥ 2{TIMES})" in text
    assert "the loop is full." in text
    assert "**P8**" not in text


def test_what_was_not_measured_is_said() -> None:
    """No peer means a dash and the reason, never a figure."""
    text = page.render(
        _book(_row(peer=None, peer_name=None, ratio=None, peers=[], holds="missed", absence="It did not install."))
    )

    assert "| 12,346 1/s | — | — |" in text
    assert "without a peer. It did not install." in text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (0.5923, "0.592"), (999.4, "999"), (1234.5, "1,234"), (1e6, "1,000,000")]
)
def test_numbers_read_well(value: float | None, text: str) -> None:
    """Three digits, and thousands apart."""
    assert page.number(value) == text
