"""What a run asks of every row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """`folder` is on a real disk, empty and the row's own; `seconds` is how long one round of a rate lasts."""

    folder: Path
    rounds: int
    seconds: float
    is_full: bool
    say: Callable[[str], None]
