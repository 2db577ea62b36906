"""kill -9 at every named crash point of every service: each record once, none missing, by history and by the books."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncwell.adapters.embedded.store_steps import StoreStep
from syncwell.usecases.accept_steps import AcceptStep
from syncwell.usecases.event_steps import EventStep
from syncwell.usecases.sweep_steps import OutboxStep, SweepStep
from syncwell.usecases.sync_steps import SyncStep
from tests.chaos.crash_matrix import CASES, CrashCase
from tests.chaos.installation import running
from tests.chaos.judgement import wrongs_of

SERVICES = tuple(dict.fromkeys(case.service for case in CASES))
ROUNDS = 20
VISITS_MAX = 5  # of points that a sync passes several times: the n-th commit, the n-th record
PASSED_OFTEN = frozenset({*StoreStep, SyncStep.AFTER_PENDING, SyncStep.AFTER_UPLOAD, SyncStep.AFTER_WRITTEN})


def cases_of(service: str) -> list[CrashCase]:
    return [case for case in CASES if case.service == service]


def visit_of(case: CrashCase, turn: int) -> int:
    """A sync has two new records, and some dozen commits."""
    if case.point not in PASSED_OFTEN:
        return 1
    return 1 + turn % (VISITS_MAX if case.service == "store" else 2)


def test_every_point_is_in_the_matrix() -> None:
    """No crash point is named and never met."""
    points = {*StoreStep, *AcceptStep, *EventStep, *SweepStep, *OutboxStep, *SyncStep}
    assert points == {case.point for case in CASES}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", SERVICES)
async def test_kill_at_each_point_once(service: str, tmp_path: Path) -> None:
    """A service killed at each of its points in turn leaves nothing lost, nothing twice and no invariant broken."""
    async with running(tmp_path) as world:
        for turn, case in enumerate(cases_of(service)):
            await case.scenario(world, case.point, visit_of(case, turn))
            assert not world.disarm(service), f"{case.name} was never reached"
        assert await wrongs_of(world) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_kill_at_each_point_many_times(case: CrashCase, tmp_path: Path) -> None:
    """Twenty kills at one point of one installation, at changing visits, leave no invariant broken."""
    async with running(tmp_path) as world:
        for turn in range(ROUNDS):
            await case.scenario(world, case.point, visit_of(case, turn))
        assert await wrongs_of(world) == []
