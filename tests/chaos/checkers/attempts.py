"""I13: attempts count failures only, and end."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.history import HistoryEvent

ATTEMPTS_MAX = 5
COUNTED = "retry_after_error"


def check_attempts(events: Sequence[HistoryEvent]) -> list[str]:
    """No job has more than five attempts, a deferral leaves them, a failure adds one, a job given up has a cause."""
    claimed: dict[str, int] = {}
    wrong = []
    for event in events:
        job = event.text("job")
        if event.kind == "job.claim" and event.op == "ok":
            attempt = int(event.text("attempt"))
            if attempt < claimed.get(job, 0):
                wrong.append(f"{job} forgot attempts: {claimed[job]} became {attempt}")
            claimed[job] = attempt
        elif event.kind == "job.wait":
            wrong += _judge_wait(event, claimed.get(job, 0))
        elif event.kind == "job.commit" and event.text("state") == "FAILED" and not event.text("reason"):
            wrong.append(f"{job} was given up without a cause")
        if event.kind.startswith("job.") and int(event.text("attempt") or 0) > ATTEMPTS_MAX:
            wrong.append(f"{job} had {event.text('attempt')} attempts")
    return wrong


def _judge_wait(event: HistoryEvent, before: int) -> list[str]:
    job, attempt, reason = event.text("job"), int(event.text("attempt")), event.text("reason")
    if reason == COUNTED and attempt != before + 1:
        return [f"{job} failed once and went from {before} to {attempt} attempts"]
    if reason != COUNTED and attempt != before:
        return [f"{job} was deferred ({reason}) and went from {before} to {attempt} attempts"]
    return []
