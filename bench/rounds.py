"""Measures contestants in turn: ours, a peer, ours, a peer. What the machine does meanwhile hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "syncwell"
ROUNDS_MIN = 3


class BenchFailedError(Exception):
    """A run lost work, gave a wrong answer or could not be set up: there is no figure."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one round of one contestant gave: the figure, and named facts beside it (a percentile, a count)."""

    value: float
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody to measure. `settings` says how it is set, for the page; `run` is one round."""

    name: str
    settings: str
    run: Callable[[], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class Rounds:
    """All samples of one contestant, in order."""

    name: str
    settings: str
    samples: Sequence[Sample]

    @property
    def median(self) -> float:
        """Returns the median of the figure."""
        return statistics.median(sample.value for sample in self.samples)

    @property
    def facts(self) -> dict[str, float]:
        """Returns the median of each fact."""
        names = dict.fromkeys(name for sample in self.samples for name in sample.facts)
        return {
            name: statistics.median(sample.facts[name] for sample in self.samples if name in sample.facts)
            for name in names
        }


async def alternate(contestants: Sequence[Contestant], *, rounds: int) -> dict[str, Rounds]:
    """Warms every contestant up by one round that does not count, then measures `rounds` rounds of each in turn.

    Raises:
        BenchFailedError: fewer than three rounds are asked for, or a round failed.
    """
    if rounds < ROUNDS_MIN:
        raise BenchFailedError(f"a median needs at least {ROUNDS_MIN} rounds")
    for contestant in contestants:
        await contestant.run()
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            samples[contestant.name].append(await contestant.run())
    return {one.name: Rounds(one.name, one.settings, samples[one.name]) for one in contestants}
