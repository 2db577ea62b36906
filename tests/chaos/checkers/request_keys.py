"""I2: one job for each Idempotency-Key, and one answer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.chaos.history import HistoryEvent, of_kind


def check_one_job_per_key(events: Sequence[HistoryEvent]) -> list[str]:
    """All good answers to one route and key are equal and name at most one job; no job is made twice.

    The answers are the client's own events (`http.request`); what was made is told by the gateway (`job.accept`).
    """
    bodies: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    jobs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for event in of_kind(events, "http.request", "ok"):
        request = (event.text("route"), event.text("key"))
        bodies[request].add(event.text("body"))
        if event.text("job"):
            jobs[request].add(event.text("job"))
    wrong = [
        f"key {key} of {route} was answered in {len(seen)} ways"
        for (route, key), seen in bodies.items()
        if len(seen) > 1
    ]
    wrong += [f"key {key} of {route} made {sorted(made)}" for (route, key), made in jobs.items() if len(made) > 1]
    made_count = Counter(
        event.text("job") for event in of_kind(events, "job.accept", "ok") if not event.ids.get("replay")
    )
    wrong += [f"{job} was made {count} times" for job, count in made_count.items() if count > 1]
    return wrong
