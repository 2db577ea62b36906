"""The verdict on a crash run: every checker over the whole history, and the sandbox's own counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.chaos.checkers import (
    check_attempts,
    check_cursor_honesty,
    check_no_duplicate,
    check_no_lost_job,
    check_no_lost_update,
    check_one_job_per_key,
    check_single_owner,
)
from tests.chaos.history import HistoryEvent
from tests.chaos.installation import Installation

DESTINATION = "strava"


async def wrongs_of(world: Installation) -> list[str]:
    """Returns whatever is wrong with a run that has come to its end: nothing is the only good answer."""
    wrong = wrongs_in(world.events(), world.seeded, end_ms=world.clock.now_ms())
    copies = Counter(await world.external_ids())
    wrong += [f"{external_id} stands {count} times at Strava" for external_id, count in copies.items() if count > 1]
    if len(copies) != len(world.seeded):
        wrong.append(f"Strava holds {len(copies)} of {len(world.seeded)} workouts")
    if refused := await world.refused_uploads():
        wrong.append(f"Strava refused {refused} uploads")
    return wrong


def wrongs_in(events: Sequence[HistoryEvent], listed_at_ms: Mapping[str, int], *, end_ms: int) -> list[str]:
    """Returns what the checkers find in a history whose jobs must all have ended by `end_ms`."""
    return [
        *check_no_lost_job(events, faults_end_ms=end_ms, bound_ms=0),
        *check_one_job_per_key(events),
        *check_no_lost_update(events),
        *check_no_duplicate(events, destination=DESTINATION, expected_source_ids=listed_at_ms),
        *check_cursor_honesty(events, destination=DESTINATION, listed_at_ms=listed_at_ms),
        *check_single_owner(events),
        *check_attempts(events),
    ]
