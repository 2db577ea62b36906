"""P12, peer: the weights of the score, read from the core's own table so that both sides always use the same."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

_SOURCE = Path(__file__).parents[2] / "rust_core" / "core" / "src" / "weights.rs"
_MODULE = re.compile(r"pub mod (\w+) \{(.*?)\n\}", re.DOTALL)
_NUMBER = re.compile(r"pub const (\w+): (?:f64|i64) = (-?[\d_.]+);")
_LIST = re.compile(r"pub const (\w+): (?:Ramp|\[f64; \d+\]) =\s*&?\[(.*?)\];", re.DOTALL)
_PAIR = re.compile(r"\((-?[\d.]+), (-?[\d.]+)\)")
_VERSION = re.compile(r'pub const VERSION: &str = "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Ramp:
    """A piecewise linear weight, flat beyond its ends."""

    at: tuple[float, ...]
    worth: tuple[float, ...]
    slopes: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        steps = range(len(self.at) - 1)
        slopes = [(self.worth[i + 1] - self.worth[i]) / (self.at[i + 1] - self.at[i]) for i in steps]
        object.__setattr__(self, "slopes", tuple(slopes))

    def read(self, value: float) -> float:
        """Returns the weight of `value`."""
        at = self.at
        if value <= at[0]:
            return self.worth[0]
        upper = bisect_left(at, value)
        if upper == len(at):
            return self.worth[-1]
        return self.worth[upper - 1] + self.slopes[upper - 1] * (value - at[upper - 1])


@dataclass(frozen=True, slots=True)
class Weights:
    """The whole table: numbers and ramps by `module.NAME`, the module in lower case and absent for the general ones."""

    version: str
    numbers: dict[str, float]
    ramps: dict[str, Ramp]
    sport: tuple[float, ...]


def load_weights() -> Weights:
    """Reads the table out of the core's source."""
    text = _SOURCE.read_text()
    version = _VERSION.search(text)
    if version is None:
        raise ValueError("the table of weights has no version")
    numbers: dict[str, float] = {}
    ramps: dict[str, Ramp] = {}
    general = _MODULE.sub("", text)
    lists = dict(_LIST.findall(general))
    for prefix, body in [("", general), *((f"{name}.", body) for name, body in _MODULE.findall(text))]:
        numbers |= {prefix + name: float(value.replace("_", "")) for name, value in _NUMBER.findall(body)}
        for name, pairs in _LIST.findall(body):
            points = [(float(at), float(worth)) for at, worth in _PAIR.findall(pairs)]
            if points:
                ramps[prefix + name] = Ramp(*(tuple(side) for side in zip(*points, strict=True)))
    sport = tuple(float(value) for value in lists["SPORT"].split(","))
    return Weights(version[1], numbers, ramps, sport)
