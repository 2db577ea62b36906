"""Where to look for copies of some records: few windows of starts, tight enough to leave out the years between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from heapq import nlargest
from itertools import accumulate, pairwise

from syncwell.domain.records import RecordMetadata
from syncwell.ports.roles import Window

GAP_MIN = timedelta(days=30)  # a listing of a month is a page or two: not worth a call of its own to save it
CLUSTERS_MAX = 12  # each costs at least one call


def windows_around(records: Sequence[RecordMetadata], *, slack: timedelta, until_ms: int) -> tuple[Window, ...]:
    """Returns ordered, disjoint windows that hold every moment of `records` and `slack` before and after them.

    Records less than 30 days apart share a window, and there are at most 12: beyond it the nearest are joined. A window
    ends at `until_ms` at the latest, but holds its first millisecond at least.
    """
    if not records:
        return ()
    ordered = sorted(records, key=lambda record: record.start_ms)
    ends_ms = list(accumulate((record.end_ms for record in ordered), max))
    gaps_ms = [later.start_ms - end_ms for (_, later), end_ms in zip(pairwise(ordered), ends_ms, strict=False)]
    wide = [n for n, gap_ms in enumerate(gaps_ms, start=1) if gap_ms >= _milliseconds(GAP_MIN)]
    cuts = sorted(nlargest(CLUSTERS_MAX - 1, wide, key=lambda n: gaps_ms[n - 1]))
    return tuple(
        _window(ordered[first].start_ms, ends_ms[after - 1], slack_ms=_milliseconds(slack), until_ms=until_ms)
        for first, after in pairwise([0, *cuts, len(ordered)])
    )


def _window(first_ms: int, last_ms: int, *, slack_ms: int, until_ms: int) -> Window:
    start_ms = max(0, first_ms - slack_ms)
    return Window(start_ms, max(start_ms + 1, min(last_ms + slack_ms, until_ms)))


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
