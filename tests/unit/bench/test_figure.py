"""Figures as rows of the book."""

from __future__ import annotations

from typing import cast

import pytest

from bench.bars import Bar, at_most
from bench.figure import Figure
from bench.rounds import OURS, Rounds, Sample


def _rounds(name: str, *values: float) -> Rounds:
    return Rounds(name, f"settings of {name}", [Sample(value, {"p99_ms": value / 10}) for value in values])


def _figure(*peers: Rounds, ours: Rounds | None = None, is_lower_better: bool = False) -> Figure:
    return Figure(
        id="P9.x",
        what="a thing",
        unit="1/s",
        must=Bar(2),
        aim=Bar(4, (at_most("p99_ms", 50),)),
        ours=ours,
        peers=peers,
        is_lower_better=is_lower_better,
        reason="the profile shows this",
        absence="" if peers else "there is no peer",
    )


def test_the_best_peer_counts() -> None:
    """Beside several peers the ratio is that to the fastest, and all are listed."""
    row = _figure(
        _rounds("slow", 50, 51, 52), _rounds("fast", 100, 99, 101), ours=_rounds(OURS, 300, 310, 305)
    ).to_json()

    assert (row["peer_name"], row["peer"], row["ours"]) == ("fast", 100, 305)
    assert row["ratio"] == pytest.approx(3.05)
    assert row["holds"] == "must"
    assert [peer["name"] for peer in cast(list[dict[str, str]], row["peers"])] == ["slow", "fast"]
    assert row["ours_rounds"] == [300, 310, 305]
    assert row["facts"] == {"p99_ms": 30.5}


def test_of_times_the_shortest_peer_counts() -> None:
    """Where less is better the peer with the least counts, and the ratio turns round."""
    row = _figure(
        _rounds("a", 8, 8, 8), _rounds("b", 4, 4, 4), ours=_rounds(OURS, 1, 1, 1), is_lower_better=True
    ).to_json()

    assert (row["peer_name"], row["ratio"], row["holds"]) == ("b", 4, "aim")


def test_reason_is_given_only_where_a_bar_is_missed() -> None:
    """A figure that clears its aim needs no excuse."""
    assert _figure(_rounds("a", 1, 1, 1), ours=_rounds(OURS, 9, 9, 9)).to_json()["reason"] == ""
    assert _figure(_rounds("a", 9, 9, 9), ours=_rounds(OURS, 9, 9, 9)).to_json()["reason"] == "the profile shows this"


def test_without_a_peer_nothing_is_invented() -> None:
    """Peer, its name and the ratio are null, the reason is said, and no bar on a ratio holds."""
    row = _figure(ours=_rounds(OURS, 9, 9, 9)).to_json()

    assert (row["peer"], row["peer_name"], row["ratio"], row["holds"]) == (None, None, None, "missed")
    assert row["absence"] == "there is no peer"
