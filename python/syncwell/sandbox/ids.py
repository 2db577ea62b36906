"""Ids and tokens that are the same in every run with the same seed."""

from __future__ import annotations

import hashlib


class IdSource:
    """Hands out numbers that rise and opaque texts that look random.

    Everything is derived from `seed`, so that two runs of the same steps give the same ids. The tokens guard nothing
    but a sandbox.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._counters: dict[str, int] = {}

    def number(self, kind: str, *, first: int) -> int:
        """Returns the next number of `kind`, starting at `first`."""
        return first + self._step(kind)

    def text(self, kind: str) -> str:
        """Returns the next 40 hexadecimal digits of `kind`."""
        return hashlib.sha256(f"{self._seed}|{kind}|{self._step(kind)}".encode()).hexdigest()[:40]

    def _step(self, kind: str) -> int:
        step = self._counters.get(kind, 0)
        self._counters[kind] = step + 1
        return step
