"""I1: no accepted job is lost."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.history import HistoryEvent, of_kind

TERMINAL_STATES = frozenset({"SUCCEEDED", "PARTIALLY_FAILED", "FAILED", "CANCELLED"})


def check_no_lost_job(events: Sequence[HistoryEvent], *, faults_end_ms: int, bound_ms: int) -> list[str]:
    """Every accepted job is in a terminal state by the end of faults plus the liveness bound.

    Accepted is what the gateway made durable (`job.accept`) and what a client was told (`http.request`). The end is
    told by the worker, or, where that died on it, by a client that saw it (`job.seen`).
    """
    finished: dict[str, int] = {}
    for event in events:
        if event.kind in ("job.commit", "job.seen") and event.text("state") in TERMINAL_STATES:
            finished.setdefault(event.text("job"), event.t)
    accepted_at: dict[str, int] = {}
    for event in (*of_kind(events, "job.accept", "ok"), *of_kind(events, "http.request", "ok")):
        if event.text("job"):
            accepted_at.setdefault(event.text("job"), event.t)
    wrong = []
    for job, accepted_ms in accepted_at.items():
        deadline = max(accepted_ms, faults_end_ms) + bound_ms
        if job not in finished:
            wrong.append(f"{job} was accepted and never finished")
        elif finished[job] > deadline:
            wrong.append(f"{job} was finished {finished[job] - deadline} ms after the bound")
    return wrong
