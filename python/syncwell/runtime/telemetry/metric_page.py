"""Writes `docs/metrics.md` from the table: `python -m syncwell.runtime.telemetry.metric_page > docs/metrics.md`."""

from __future__ import annotations

import sys

from syncwell.runtime.telemetry.definitions import DEFINITIONS, MetricKind

_HEAD = """# Metrics

`GET /metrics` of the gateway answers processes of the same machine with the metrics of all services, each sample
labelled with its `service`; `syncwell_up` is 0 for one that did not answer. Labels are words of closed lists, never
the id of a user, a job or a record. This page is made from `python/syncwell/runtime/telemetry/definitions.py`.

| figure | how to derive it |
|---|---|
| SyncSuccessRate | `syncwell_sync_seconds_count{outcome="succeeded"}` over `syncwell_sync_seconds_count` |
| CacheHitRate | `syncwell_cache_hits_total` over itself plus `syncwell_cache_misses_total`, by `cache` |
| TimeToFirstSync | `histogram_quantile` over `syncwell_first_sync_seconds_bucket` |

| metric | kind | labels | meaning |
|---|---|---|---|
"""


def page() -> str:
    """Returns the page."""
    rows = []
    for metric, what in DEFINITIONS.items():
        name = f"{metric}_total" if what.kind is MetricKind.COUNTER else metric
        labels = ", ".join(f"`{label}`" for label in what.labels) or "none"
        rows.append(f"| `{name}` | {what.kind} | {labels} | {what.help} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
