"""I7: cursor honesty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.chaos.history import HistoryEvent, of_kind

GOOD_ENDS = frozenset({"SUCCEEDED", "PARTIALLY_FAILED"})


def check_cursor_honesty(
    events: Sequence[HistoryEvent], *, destination: str, listed_at_ms: Mapping[str, int]
) -> list[str]:
    """No cursor passes a record that the destination does not hold yet, and only a job that ends well moves one.

    `listed_at_ms` tells for each source record that must travel when the source lists it: its start, or its upload.
    """
    ended_well = {
        event.text("job") for event in of_kind(events, "job.commit", "ok") if event.text("state") in GOOD_ENDS
    }
    source_of = {event.text("external_id"): event.text("record") for event in of_kind(events, "record.write", "invoke")}
    confirmed: set[str] = set()
    wrong = []
    for event in events:
        if event.kind == f"{destination}.records_created":
            confirmed.add(source_of.get(event.text("external_id").rsplit(".", 1)[0], ""))
        if event.kind != "cursor.move":
            continue
        job, until_ms = event.text("job"), int(event.text("until_ms"))
        if job not in ended_well:
            wrong.append(f"{job} moved the cursor and did not end well")
        passed = [one for one, at_ms in listed_at_ms.items() if at_ms <= until_ms and one not in confirmed]
        wrong += [f"{job} moved the cursor past {one}, which is not there" for one in sorted(passed)]
    return wrong
