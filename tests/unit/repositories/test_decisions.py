"""Decisions: shown page by page once their run is committed, and never those of a run that died."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncwell.domain.errors import FenceLostError, InvalidInputError
from syncwell.domain.jobs import Job, JobId, JobMode, JobRequest, JobState
from syncwell.domain.records import ConnectionId, DataType, EditableField, RecordId, UserId
from syncwell.domain.resolution import Action, Decision, Outcome, Reason
from syncwell.repositories.decisions import DECISION_LIFE, PAGE_DECISIONS, Decisions
from tests.unit.fakes.item_store import DictItemStore

NOW_MS = 1_760_000_000_000
REQUEST = JobRequest(UserId("usr_1"), ConnectionId("a"), ConnectionId("b"), DataType.WORKOUT, JobMode.MANUAL)
JOB = Job(JobId("job_1"), REQUEST, "f", JobState.SUCCEEDED, NOW_MS, NOW_MS, fence=2)


def decision(name: str) -> Decision:
    return Decision(
        RecordId(name),
        Action.CREATE,
        Outcome.CREATED,
        Reason.NEW_RECORD,
        score=0.5,
        evidence={"start_gap_s": 3, "overlap": 0.9, "kind": "drift"},
        field_fingerprints={EditableField.TITLE: 7},
    )


@pytest.fixture
def decisions() -> Decisions:
    return Decisions(DictItemStore())


async def test_pages_come_in_order(decisions: Decisions) -> None:
    """All decisions are found again in their order, without the fingerprints that belong to the links."""
    names = [f"r{n}" for n in range(2 * PAGE_DECISIONS + 1)]
    await decisions.save(JOB, [decision(name) for name in names], now_ms=NOW_MS)

    seen: list[Decision] = []
    cursor: str | None = None
    while True:
        page = await decisions.load_page(JOB, now_ms=NOW_MS, cursor=cursor)
        seen += page.decisions
        if (cursor := page.cursor) is None:
            break

    assert [one.source_id for one in seen] == names
    assert seen[0] == replace(decision("r0"), field_fingerprints={})


async def test_pages_of_a_dead_run_are_not_shown(decisions: Decisions) -> None:
    """Pages that a run wrote before it died are hidden behind those of the run that committed."""
    dead = [decision(f"old{n}") for n in range(PAGE_DECISIONS + 1)]
    await decisions.save(replace(JOB, fence=1), dead, now_ms=NOW_MS)
    await decisions.save(JOB, [decision("new")], now_ms=NOW_MS)

    page = await decisions.load_page(JOB, now_ms=NOW_MS)

    assert [one.source_id for one in page.decisions] == ["new"]
    assert page.cursor is None


async def test_late_run_cannot_overwrite(decisions: Decisions) -> None:
    """A run that wakes up after its successor is refused."""
    await decisions.save(JOB, [decision("new")], now_ms=NOW_MS)

    with pytest.raises(FenceLostError):
        await decisions.save(replace(JOB, fence=1), [decision("old")], now_ms=NOW_MS)


async def test_nothing_is_shown_before_the_commit_or_after_thirty_days(decisions: Decisions) -> None:
    """A running job shows no decisions; a finished one shows them for 30 days."""
    await decisions.save(JOB, [decision("r")], now_ms=NOW_MS)
    gone_ms = NOW_MS + int(DECISION_LIFE.total_seconds() * 1000)

    running = replace(JOB, state=JobState.RUNNING)
    assert (await decisions.load_page(running, now_ms=NOW_MS)).decisions == ()
    assert len((await decisions.load_page(JOB, now_ms=gone_ms - 1)).decisions) == 1
    assert (await decisions.load_page(JOB, now_ms=gone_ms)).decisions == ()


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 7, "", "²"])
async def test_foreign_cursor_is_refused(decisions: Decisions, cursor: str) -> None:
    """A cursor that we never gave is the caller's mistake."""
    with pytest.raises(InvalidInputError):
        await decisions.load_page(JOB, now_ms=NOW_MS, cursor=cursor)
