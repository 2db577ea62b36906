"""What becomes of a need when its source job ends (design D2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from syncwell.domain.needs import LOOKS_MAX, Expected, Need

FAILURE_BACKOFF_MAX = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SourceRun:
    """What a source job did: `sequence` was counted before its first call, `seen` are the records that it was shown.

    `is_whole` is False where a config could not be served.
    """

    sequence: int
    seen: frozenset[str]
    is_whole: bool = True


def settled(
    need: Need, run: SourceRun, *, config_ids: Collection[str], now_ms: int, window_ms: int, lag_ms: int
) -> Need:
    """Returns the need after its job; `config_ids` are the enabled configs of the types that events named.

    Events that came meanwhile make the next job due at the end of the window, records that were not shown after the
    source's lag; a config that failed after a growing pause.
    """
    expected = _still_expected(need.expected, run, now_ms=now_ms, lag_ms=lag_ms)
    covered = {config_id: need.covered[config_id] for config_id in config_ids if config_id in need.covered}
    ended = replace(
        need,
        job=None,
        covered=covered,
        expected=expected,
        failure_count=0 if run.is_whole else need.failure_count + 1,
        version=need.version + 1,
    )
    window_end_ms = now_ms if need.last_job_ms is None else max(now_ms, need.last_job_ms + window_ms)
    if not run.is_whole:
        return replace(ended, due_at_ms=_after_failure(ended, now_ms=now_ms, window_ms=window_ms))
    if not ended.is_covered_for(config_ids):
        return replace(ended, due_at_ms=now_ms if ended.is_urgent else window_end_ms)
    if expected:
        earliest_ms = min(each.recheck_at_ms for each in expected.values())
        return replace(ended, pending_at_ms=None, due_at_ms=max(window_end_ms, earliest_ms))
    return replace(
        ended, data_types=frozenset(), pending_at_ms=None, starts_from_ms=None, is_urgent=False, due_at_ms=None
    )


def after_lost_job(need: Need, *, now_ms: int, window_ms: int) -> Need:
    """Returns the need whose job failed, was cancelled or is gone: nothing is covered, another job is due later."""
    ended = replace(need, job=None, failure_count=need.failure_count + 1, version=need.version + 1)
    return replace(ended, due_at_ms=_after_failure(ended, now_ms=now_ms, window_ms=window_ms))


def _still_expected(
    expected: Mapping[str, Expected], run: SourceRun, *, now_ms: int, lag_ms: int
) -> dict[str, Expected]:
    kept: dict[str, Expected] = {}
    for record, one in expected.items():
        if one.sequence > run.sequence:
            kept[record] = one  # named again after the run had begun: only a later run can have seen that
            continue
        look_count = one.look_count + 1
        if record not in run.seen and look_count < LOOKS_MAX:
            kept[record] = Expected(one.sequence, now_ms + lag_ms * look_count, look_count)
    return kept


def _after_failure(need: Need, *, now_ms: int, window_ms: int) -> int:
    longest_ms = FAILURE_BACKOFF_MAX // timedelta(milliseconds=1)
    return now_ms + int(min(longest_ms, window_ms * 2.0 ** min(need.failure_count - 1, 30)))
