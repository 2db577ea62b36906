"""One figure of the benchmark: what was measured, beside whom, and which bar it clears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bench.bars import Bar, Holds, ratio_of, verdict
from bench.rounds import Rounds

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
DIGITS = 6  # more would be noise


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with its bars.

    `peers` holds every peer measured; the best of them counts. `reason` says in words what a profile shows where a bar
    is missed; `absence` says why nobody or nothing was measured.
    """

    id: str
    what: str
    unit: str
    must: Bar
    aim: Bar
    ours: Rounds | None = None
    peers: Sequence[Rounds] = ()
    is_lower_better: bool = False
    warm_up: str = "one round that does not count"
    reason: str = ""
    absence: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def best_peer(self) -> Rounds | None:
        """Returns the peer with the best median."""
        if not self.peers:
            return None
        pick = min if self.is_lower_better else max
        return pick(self.peers, key=lambda peer: peer.median)

    @property
    def ratio(self) -> float | None:
        """Returns how many times better ours is than the best peer."""
        peer = self.best_peer
        return ratio_of(_median(self.ours), _median(peer), is_lower_better=self.is_lower_better)

    @property
    def all_facts(self) -> dict[str, float]:
        """Returns the facts of our rounds, those of the row, and the figure itself as `ours`."""
        if self.ours is None:
            return dict(self.facts)
        return {**self.facts, **self.ours.facts, "ours": self.ours.median}

    @property
    def holds(self) -> Holds:
        """Returns the best bar that is cleared."""
        return verdict(self.must, self.aim, self.ratio, self.all_facts)

    def to_json(self) -> dict[str, Json]:
        """Returns the row of `benchmarks.json`."""
        peer = self.best_peer
        return {
            "id": self.id,
            "what": self.what,
            "ours": _round(_median(self.ours)),
            "peer": _round(_median(peer)),
            "peer_name": peer.name if peer else None,
            "unit": self.unit,
            "ratio": _round(self.ratio),
            "must": str(self.must),
            "aim": str(self.aim),
            "holds": self.holds.value,
            "is_lower_better": self.is_lower_better,
            "warm_up": self.warm_up,
            "ours_rounds": _values(self.ours),
            "ours_settings": self.ours.settings if self.ours else "",
            "peers": [
                {
                    "name": one.name,
                    "median": _round(one.median),
                    "rounds": _values(one),
                    "settings": one.settings,
                    "facts": {name: _round(value) for name, value in one.facts.items()},
                }
                for one in self.peers
            ],
            "facts": {name: _round(value) for name, value in self.all_facts.items() if name != "ours"},
            "reason": self.reason if self.holds is not Holds.AIM else "",
            "absence": self.absence,
        }


def _median(rounds: Rounds | None) -> float | None:
    return None if rounds is None else rounds.median


def _values(rounds: Rounds | None) -> list[Json]:
    return [] if rounds is None else [_round(sample.value) for sample in rounds.samples]


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
