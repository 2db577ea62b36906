"""I12: a job has a single owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tests.chaos.history import HistoryEvent, of_kind

JOB, DECISION, LINK = "JOB#", "DECISION#", "LINK#"


def check_single_owner(events: Sequence[HistoryEvent]) -> list[str]:
    """No row is written on behalf of a job under a fence that a later claim had ended, in the store's own order.

    Job and decision rows name their job. Whose a link is, the workers tell: a write that they announced
    (`record.write`) names its record, job and fence.
    """
    owners: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for event in of_kind(events, "record.write"):
        owners[event.text("record"), int(event.text("fence"))].add(event.text("job"))
    newest: defaultdict[str, int] = defaultdict(int)
    wrong = []
    for event in of_kind(events, "store.put"):
        fence, sort = int(event.text("fence")), event.text("sort")
        if sort.startswith(JOB):
            jobs = {sort.removeprefix(JOB)}
        elif sort.startswith(DECISION):
            jobs = {sort.split("#")[1]}
        elif event.text("partition").startswith(LINK):
            jobs = owners[sort.rsplit("#", 1)[1], fence]
        else:
            continue
        # Of several jobs that wrote the record under this number, one may still own it.
        if jobs and all(fence < newest[job] for job in jobs):
            wrong.append(f"{sort} was written under fence {fence} of {sorted(jobs)}, which a later claim had ended")
        if sort.startswith(JOB):
            newest[sort.removeprefix(JOB)] = max(fence, newest[sort.removeprefix(JOB)])
    return wrong
