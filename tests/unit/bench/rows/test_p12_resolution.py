"""The plain Python peer of P12 decides as the core does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.peers import plain_resolution
from bench.peers.plain_merge import fingerprints
from bench.peers.plain_weights import Ramp, load_weights
from bench.rounds import BenchFailedError
from bench.rows.p12_resolution import our_fingerprints, require_agreement
from bench.windows import make_window
from syncwell.domain import resolution
from syncwell.domain.resolution import Outcome, Reason, Strategy


@pytest.mark.parametrize("strategy", list(Strategy))
def test_peer_and_core_agree(strategy: Strategy) -> None:
    """Both give the same decisions, scores and evidence for the same windows, by every strategy."""
    reasons = set()
    for seed in range(5):
        ours = resolution.resolve(replace(make_window(seed, our_fingerprints), strategy=strategy))
        theirs = plain_resolution.resolve(replace(make_window(seed, fingerprints), strategy=strategy))
        require_agreement(ours, theirs)
        reasons |= {decision.reason for decision in ours}
    assert {Reason.SAME_WORKOUT, Reason.ZONE_SHIFT, Reason.NEW_RECORD, Reason.ECHO, Reason.TOMBSTONE} <= reasons


def test_disagreement_fails_the_row() -> None:
    """A peer that decides otherwise in one place gives no figure."""
    ours = resolution.resolve(make_window(0, our_fingerprints))
    theirs = list(plain_resolution.resolve(make_window(0, fingerprints)))
    theirs[7] = replace(theirs[7], outcome=Outcome.FAILED)

    with pytest.raises(BenchFailedError, match="decides otherwise"):
        require_agreement(ours, theirs)


def test_weights_are_those_of_the_core() -> None:
    """The peer's table is read from the core's source, so that it cannot fall behind."""
    weights = load_weights()

    assert len(weights.sport) == 6
    assert weights.numbers["SAME_FROM"] > 0 > weights.numbers["DIFFERENT_TO"]
    assert {"whole.TIME", "zone_shift.RESIDUAL_S", "part_of.LEG_KEPT"} <= weights.ramps.keys()
    assert all(sorted(ramp.at) == list(ramp.at) and len(ramp.at) > 1 for ramp in weights.ramps.values())


def test_ramp_is_flat_beyond_its_ends_and_straight_between() -> None:
    """A ramp is read by linear interpolation."""
    ramp = Ramp((1.0, 3.0), (10.0, 0.0))

    assert [ramp.read(value) for value in (0.0, 1.0, 2.0, 3.0, 9.0)] == [10.0, 10.0, 5.0, 0.0, 0.0]
