"""The checkers of the invariants I1 and I4 over a recorded history.

A checker returns what is wrong, one sentence each; an empty list is the only good answer. An event `info` means that
the outcome is unknown: the checkers allow both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from tests.chaos.history import HistoryEvent, of_kind

TERMINAL_STATES = frozenset({"SUCCEEDED", "PARTIALLY_FAILED", "FAILED", "CANCELLED"})


def check_no_lost_job(events: Sequence[HistoryEvent], *, faults_end_ms: int, bound_ms: int) -> list[str]:
    """I1: every accepted job is in a terminal state by the end of faults plus the liveness bound."""
    finished = {
        event.text("job"): event.t
        for event in of_kind(events, "job.commit", "ok")
        if event.text("state") in TERMINAL_STATES
    }
    wrong = []
    for accepted in of_kind(events, "job.accept", "ok"):
        job = accepted.text("job")
        deadline = max(accepted.t, faults_end_ms) + bound_ms
        if job not in finished:
            wrong.append(f"{job} was accepted and never finished")
        elif finished[job] > deadline:
            wrong.append(f"{job} was finished {finished[job] - deadline} ms after the bound")
    return wrong


def check_no_duplicate(
    events: Sequence[HistoryEvent], *, destination: str, expected_source_ids: Collection[str]
) -> list[str]:
    """I4: at the destination each source record stands at most once, and exactly the expected ones stand there.

    What stands there is told by the destination's own events; which source record an external id belongs to is told
    by the intentions (`record.write` invoke) that workers recorded before they wrote.
    """
    source_of = {event.text("external_id"): event.text("record") for event in of_kind(events, "record.write", "invoke")}
    live: defaultdict[str, set[str]] = defaultdict(set)
    wrong = []
    for event in of_kind(events, f"{destination}.records_created", "ok"):
        if event.text("origin") == "seed":
            continue
        external_id = event.text("external_id").rsplit(".", 1)[0]
        if external_id not in source_of:
            wrong.append(f"record {event.text('record')} at {destination} was written without a recorded intention")
        else:
            live[source_of[external_id]].add(event.text("record"))
    for event in of_kind(events, f"{destination}.records_deleted", "ok"):
        for records in live.values():
            records.discard(event.text("record"))
    standing = {source: records for source, records in live.items() if records}
    wrong += [f"{source} stands {len(ids)} times: {sorted(ids)}" for source, ids in standing.items() if len(ids) > 1]
    wrong += [f"{source} is missing" for source in sorted(set(expected_source_ids) - set(standing))]
    wrong += [f"{source} should not be there" for source in sorted(set(standing) - set(expected_source_ids))]
    return wrong
