"""Small workouts for crash runs: three minutes each, cut from recordings, no two at the same time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.cli.demo.parts import cut
from syncwell.cli.installation import project_root
from syncwell.cli.sandboxes import USER, Json
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.files.fit_writer import write_fit

RECORDINGS = ("2013-02-06-12-11-14.fit", "2015-10-13-08-43-15.fit")
PART = timedelta(minutes=3)
PARTS_EACH = 8
APART = timedelta(hours=7, minutes=13)  # never the same time of day twice in a row


def small_workouts(now: datetime) -> Iterator[dict[str, Json]]:
    """Yields seeds for the sandbox's Garmin without end, each workout before the one that came before."""
    begin, number = now.replace(microsecond=0), 0
    while True:
        for stretch in range(PARTS_EACH):
            for recording in recordings():
                number += 1
                part = cut(recording, PART * stretch, PART * (stretch + 1), moved_to=begin - APART * number)
                if part is not None and part.distance_m > 0:
                    yield {
                        "user_id": USER,
                        "file": base64.b64encode(write_fit(part)).decode(),
                        "activity": {"activityName": f"part {number}"},
                    }


@cache
def recordings() -> tuple[CanonicalWorkout, ...]:
    """Returns the recordings that the parts are cut from."""
    folder = project_root() / "recordings"
    return tuple(read_fit((folder / name).read_bytes())[0] for name in RECORDINGS)


def now_of(now_ms: int) -> datetime:
    """Returns a time of a clock as seeds want it."""
    return datetime.fromtimestamp(now_ms / 1000, tz=UTC)
