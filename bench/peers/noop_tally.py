"""P4, peers: counts the no-op tasks that a worker ran, and writes down how long it took from the first to the last."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path


class Tally:
    """Safe in threads: drawing the next number is one step of the interpreter."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._last = int(os.environ.get("BENCH_COUNT", "0"))
        self._file = Path(os.environ.get("BENCH_TALLY", os.devnull))
        self._begun = 0.0

    def note(self) -> None:
        """Counts one task."""
        number = next(self._numbers)
        if number == 1:
            self._begun = time.perf_counter()
        elif number == self._last:
            self._file.write_text(str(time.perf_counter() - self._begun))
