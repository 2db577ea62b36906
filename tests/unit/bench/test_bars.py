"""Bars, ratios and verdicts."""

from __future__ import annotations

import pytest

from bench.bars import Bar, Holds, at_least, at_most, ratio_of, verdict

MUST = Bar(2, (at_most("p99_ms", 50, "ms"),))
AIM = Bar(4, (at_least("ours", 1000), at_most("p99_ms", 15, "ms")))


@pytest.mark.parametrize(
    ("ours", "peer", "is_lower_better", "ratio"),
    [(10, 5, False, 2), (5, 10, True, 2), (10, 5, True, 0.5), (None, 5, False, None), (5, None, False, None)],
)
def test_ratio_says_how_many_times_better(
    ours: float | None, peer: float | None, is_lower_better: bool, ratio: float | None
) -> None:
    """More of a rate and less of a latency are both better; what was not measured has no ratio."""
    assert ratio_of(ours, peer, is_lower_better=is_lower_better) == ratio


@pytest.mark.parametrize(
    ("ratio", "facts", "holds"),
    [
        (4.0, {"ours": 1000.0, "p99_ms": 15.0}, Holds.AIM),
        (4.0, {"ours": 999.0, "p99_ms": 15.0}, Holds.MUST),
        (3.9, {"ours": 9000.0, "p99_ms": 1.0}, Holds.MUST),
        (9.0, {"ours": 9000.0, "p99_ms": 51.0}, Holds.MISSED),
        (1.9, {"ours": 9000.0, "p99_ms": 1.0}, Holds.MISSED),
        (None, {"ours": 9000.0, "p99_ms": 1.0}, Holds.MISSED),
        (9.0, {"ours": 9000.0}, Holds.MISSED),
    ],
)
def test_verdict_is_the_best_bar_cleared(ratio: float | None, facts: dict[str, float], holds: Holds) -> None:
    """Every part of a bar must hold, and what was not measured clears nothing."""
    assert verdict(MUST, AIM, ratio, facts) is holds


def test_aim_without_its_must_is_missed() -> None:
    """An aim that is easier in one part does not excuse a missed must."""
    assert verdict(Bar(None, (at_least("ours", 5),)), Bar(1), 2, {"ours": 4}) is Holds.MISSED


def test_bar_reads_as_in_the_table_of_goals() -> None:
    """A bar prints its ratio, then its limits."""
    assert str(AIM) == "≥ 4\N{MULTIPLICATION SIGN}, ours ≥ 1,000, p99_ms ≤ 15 ms"
