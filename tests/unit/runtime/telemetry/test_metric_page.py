"""The page of metrics tells the truth."""

from __future__ import annotations

from pathlib import Path

from syncwell.runtime.telemetry.metric_page import page

PAGE = Path(__file__).parents[4] / "docs" / "metrics.md"


def test_the_page_is_what_the_table_makes() -> None:
    """Whoever changes the table makes the page anew."""
    assert PAGE.read_text("utf-8") == page()
