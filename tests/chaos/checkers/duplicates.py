"""I4: no duplicate at the destination, nothing missing, nothing extra."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from tests.chaos.history import HistoryEvent, of_kind


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
