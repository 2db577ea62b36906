"""The bars of a figure, and whether it clears them: computed, never typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

TIMES = "\N{MULTIPLICATION SIGN}"


class Holds(StrEnum):
    """The best bar that a figure clears."""

    AIM = "aim"
    MUST = "must"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Limit:
    """An absolute bound on one measured fact; `ours` is the figure itself."""

    fact: str
    bound: float
    is_minimum: bool
    unit: str = ""

    def is_kept(self, facts: Mapping[str, float]) -> bool:
        """Tells whether the fact was measured and lies inside."""
        value = facts.get(self.fact)
        if value is None:
            return False
        return value >= self.bound if self.is_minimum else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.is_minimum else "≤"
        return f"{self.fact} {sign} {self.bound:,g}{' ' + self.unit if self.unit else ''}"


def at_least(fact: str, bound: float, unit: str = "") -> Limit:
    """Returns the limit `fact ≥ bound`."""
    return Limit(fact, bound, is_minimum=True, unit=unit)


def at_most(fact: str, bound: float, unit: str = "") -> Limit:
    """Returns the limit `fact ≤ bound`."""
    return Limit(fact, bound, is_minimum=False, unit=unit)


@dataclass(frozen=True, slots=True)
class Bar:
    """All that must be true at once. `ratio_min` is how many times better than the best peer we must be."""

    ratio_min: float | None = None
    limits: tuple[Limit, ...] = ()

    def is_cleared(self, ratio: float | None, facts: Mapping[str, float]) -> bool:
        """Tells whether the figures clear the bar; what was not measured clears nothing."""
        if self.ratio_min is not None and (ratio is None or ratio < self.ratio_min):
            return False
        return all(limit.is_kept(facts) for limit in self.limits)

    def __str__(self) -> str:
        parts = [] if self.ratio_min is None else [f"≥ {self.ratio_min:g}{TIMES}"]
        return ", ".join([*parts, *map(str, self.limits)])


def ratio_of(ours: float | None, peer: float | None, *, is_lower_better: bool) -> float | None:
    """Returns how many times better ours is than the peer's; None where either is missing or zero."""
    if not ours or not peer:
        return None
    return peer / ours if is_lower_better else ours / peer


def verdict(must: Bar, aim: Bar, ratio: float | None, facts: Mapping[str, float]) -> Holds:
    """Returns the best bar that is cleared; an aim without its must counts for nothing."""
    if not must.is_cleared(ratio, facts):
        return Holds.MISSED
    return Holds.AIM if aim.is_cleared(ratio, facts) else Holds.MUST
