"""P12: matching and resolving one window in the Rust core, beside the same algorithm in plain Python.

What could cheat, and how it is closed: another algorithm (both must give the same decisions, scores and evidence on
every window, or the row fails); one window that stays in every cache (a hundred different ones go round); a peer that
was written slow (it uses slots, tables, bisection and the fastest keyed hash of the standard library).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import isclose
from operator import attrgetter

from bench.bars import Bar
from bench.figure import Figure
from bench.peers import plain_resolution
from bench.peers.plain_merge import fingerprints as plain_fingerprints
from bench.plan import Plan
from bench.rounds import OURS, BenchFailedError, Contestant, Sample, alternate
from bench.windows import RECORD_COUNT, make_window
from syncwell.domain import resolution
from syncwell.domain.fingerprint import fingerprint
from syncwell.domain.records import EditableField, RecordMetadata
from syncwell.domain.resolution import Decision, ResolutionRequest

WINDOW_COUNT = 100
_TOLERANCE = 1e-9
_WHAT = f"full matching and resolution of {RECORD_COUNT} + {RECORD_COUNT} records"
_EXACT = attrgetter("source_id", "action", "outcome", "reason", "destination_id", "fields")

Resolve = Callable[[ResolutionRequest], Sequence[object]]


async def measure(plan: Plan) -> Sequence[Figure]:
    """Returns the figure of objects in, objects out."""
    ours = [make_window(seed, our_fingerprints) for seed in range(WINDOW_COUNT)]
    theirs = [make_window(seed, plain_fingerprints) for seed in range(WINDOW_COUNT)]
    for mine, yours in zip(ours, theirs, strict=True):
        require_agreement(resolution.resolve(mine), plain_resolution.resolve(yours))
    plan.say(f"{WINDOW_COUNT} windows decided alike by both")
    rounds = await alternate(
        [
            _contestant(OURS, "syncwell.domain.resolution.resolve", resolution.resolve, ours, plan.seconds),
            _contestant(
                "plain Python",
                "same rules and weights, slots, bisection, BLAKE2b fingerprints",
                plain_resolution.resolve,
                theirs,
                plan.seconds,
            ),
        ],
        rounds=plan.rounds,
    )
    return [
        Figure(
            id="P12.objects",
            what=f"{_WHAT}, objects in and out, one thread",
            unit="windows/s",
            must=Bar(5),
            aim=Bar(10),
            ours=rounds[OURS],
            peers=[rounds["plain Python"]],
            reason=(
                "A good part of the time goes into objects outside the core: rows made of records before it, decisions "
                "made of rows after it."
            ),
        ),
        Figure(
            id="P12.columns",
            what=f"{_WHAT}, bytes or columns in",
            unit="windows/s",
            must=Bar(15),
            aim=Bar(40),
            absence="The core takes rows of objects only so far; a road for bytes or columns does not exist yet.",
        ),
    ]


def our_fingerprints(record: RecordMetadata, key: bytes) -> dict[EditableField, int]:
    """Returns the bases of a record's fields as the core makes them."""
    values = {
        EditableField.TITLE: record.title,
        EditableField.NOTES: record.notes,
        EditableField.SPORT: str(int(record.sport)),
    }
    return {field: fingerprint(key, field.value, value) for field, value in values.items()}


def require_agreement(ours: Sequence[Decision], theirs: Sequence[Decision]) -> None:
    """Checks that both decided alike; values of fingerprints may differ, the fields that have one may not.

    Raises:
        BenchFailedError: they did not.
    """
    for mine, yours in zip(ours, theirs, strict=True):
        is_same = (
            _EXACT(mine) == _EXACT(yours)
            and isclose(mine.score or 0, yours.score or 0, abs_tol=_TOLERANCE)
            and set(mine.field_fingerprints) == set(yours.field_fingerprints)
            and mine.evidence.keys() == yours.evidence.keys()
            and all(_is_close(mine.evidence[name], yours.evidence[name]) for name in mine.evidence)
        )
        if not is_same:
            raise BenchFailedError(f"the peer decides otherwise: {mine} and {yours}")


def _is_close(one: float | int | str, two: float | int | str) -> bool:
    if isinstance(one, str) or isinstance(two, str):
        return one == two
    return isclose(one, two, abs_tol=_TOLERANCE)


def _contestant(
    name: str, settings: str, resolve: Resolve, windows: Sequence[ResolutionRequest], seconds: float
) -> Contestant:
    async def run() -> Sample:
        done, begun = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - begun) < seconds:
            for window in windows[done % WINDOW_COUNT :][:10]:  # ten between looks at the clock
                resolve(window)
            done += 10
        return Sample(done / elapsed)

    return Contestant(name, settings, run)
