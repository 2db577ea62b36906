"""Whatever happens in whatever order, every event is covered by a run that began later and saw its record (I5).

The steps are drawn: events, repetitions, deletions, time that passes, timers, jobs that run, events that arrive while a
job reads, workers that die. Then everything goes quiet and the truth of the source is compared with what was read.
Bugs that others have made are planted to show that the machine sees them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any  # reason: the planted bugs wrap methods of any signature

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncwell.domain.jobs import JobState
from syncwell.domain.records import DataType
from syncwell.domain.source_events import SourceEvent
from syncwell.ports.roles import SourcePage
from syncwell.usecases.run_sync import RunSync
from syncwell.usecases.sync_steps import SyncStep
from tests.unit.fakes.clock import settle
from tests.unit.fakes.source_world import RULES, SOURCE, SourceWorld
from tests.unit.fakes.sync_world import HOUR_MS, USER, FakeCrashPoints, Killed, metadata_of

LEASE = timedelta(seconds=31)
QUIET_ROUNDS = 60
POINTS = (SyncStep.AFTER_CLAIM, SyncStep.AFTER_SOURCE_READ, SyncStep.AFTER_UPLOAD, SyncStep.BEFORE_COMMIT)

Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 80)),  # a new record, readable after so many seconds
        st.tuples(st.just("event_during_read"), st.integers(0, 20)),
        st.tuples(st.just("replay"), st.integers(0, 5)),
        st.tuples(st.just("deletion"), st.just(0)),
        st.tuples(st.just("pass"), st.integers(1, 90)),
        st.tuples(st.just("timer"), st.just(0)),
        st.tuples(st.just("run"), st.just(0)),
        st.tuples(st.just("run_and_die"), st.integers(0, len(POINTS) - 1)),
    ),
    min_size=1,
    max_size=25,
)


@dataclass
class Told:
    """One event as the source knows it: its place in the order of all things, and its record."""

    order: int
    record: str


@dataclass
class Read:
    """One listing of the source: when it began in the order of all things, and what it showed."""

    order: int
    job: str
    shown: set[str]


@dataclass
class Machine:
    """The coalescer, its workers and the truth."""

    world: SourceWorld = field(default_factory=SourceWorld)
    told: list[Told] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    sent: list[SourceEvent] = field(default_factory=list)
    during_read: list[int] = field(default_factory=list)
    urgent_count: int = 0
    order: int = 0

    async def prepare(self) -> None:
        await self.world.connect()
        await self.world.wish("b")
        account = self.world.accounts["a"]
        listing = account.fetch_metadata

        async def watched(*args: Any, **more: Any) -> SourcePage:
            need = await self.world.need()
            self.reads.append(Read(self.next(), need.job.job_id if need.job else "", set()))
            page = await listing(*args, **more)
            self.reads[-1].shown |= {record.record_id for record in page.records}
            for seconds in self.during_read:  # behind the back of the page that was just made
                await self.tell(seconds)
            self.during_read.clear()
            return page

        account.fetch_metadata = watched  # type: ignore[method-assign]  # the source is watched

    def next(self) -> int:
        self.order += 1
        return self.order

    async def tell(self, seconds: int) -> None:
        """Adds a record that can be read after `seconds`, and tells of it at once."""
        name, now_ms = f"a{len(self.told)}", self.world.clock.now_ms()
        number = len(self.told)
        start_ms = now_ms - (number % 20 + 2) * HOUR_MS - number * 61_000
        account = self.world.accounts["a"]
        account.add(metadata_of(name, start_ms, elapsed_ms=HOUR_MS // 3 + number * 7_000))
        account.held[name].visible_ms = now_ms + seconds * 1000  # type: ignore[index]  # a plain id
        await self.send(
            SourceEvent(USER, SOURCE, DataType.WORKOUT, now_ms, record_id=name, identity=f"new {name}".encode())
        )
        self.told.append(Told(self.next(), name))

    async def send(self, event: SourceEvent) -> None:
        await self.world.accept_events([event])
        self.sent.append(event)

    async def step(self, step: Step) -> None:
        kind, value = step
        if kind == "event":
            await self.tell(value)
        elif kind == "event_during_read":
            self.during_read.append(value)
        elif kind == "replay" and self.sent:
            await self.world.accept_events([replace(self.sent[-1 - value % len(self.sent)])])
        elif kind == "deletion":
            self.urgent_count += 1
            await self.send(SourceEvent(USER, SOURCE, DataType.WORKOUT, 0, record_id="gone", is_deletion=True))
        elif kind == "pass":
            self.world.clock.advance(timedelta(seconds=value))
        elif kind == "timer":
            await self.world.make.run(USER, SOURCE)
        elif kind == "run":
            await self.run(self.world.worker())
        elif kind == "run_and_die":
            try:
                await self.run(self.world.worker("dying", FakeCrashPoints(POINTS[value])))
            except (Killed, BaseExceptionGroup):
                self.world.clock.advance(LEASE)

    async def run(self, worker: RunSync) -> None:
        need = await self.world.need()
        if need.job is None:
            return
        running = asyncio.ensure_future(worker.run(USER, need.job.job_id))
        await settle()
        while not running.done():  # it waits for the destination to show what was written
            self.world.clock.advance(timedelta(seconds=1))
            await settle()
        await running

    async def go_quiet(self) -> None:
        """Lets timers and workers do what is left; nothing new happens but what was about to."""
        for _ in range(QUIET_ROUNDS):
            self.world.clock.advance(LEASE)
            await self.world.make.run(USER, SOURCE)
            await self.run(self.world.worker("last"))

    async def judge(self) -> None:
        jobs = {str(job.job_id): job for job in (await self.world.jobs.list_newest(USER, now_ms=0, limit=100)).jobs}
        good = [read for read in self.reads if read.job in jobs and jobs[read.job].state is JobState.SUCCEEDED]
        for told in self.told:
            assert any(read.order > told.order and told.record in read.shown for read in good), f"{told} is lost"
        synced = {held.metadata.start_ms for held in self.world.accounts["b"].held.values()}
        assert synced == {held.metadata.start_ms for held in self.world.accounts["a"].held.values()}
        assert len(self.world.accounts["b"].held) == len(self.told)
        need = await self.world.need()
        assert (need.due_at_ms, need.job) == (None, None), "something stays due for ever"
        made = sorted(job.created_at_ms for job in jobs.values())
        close = sum(later - earlier < RULES.window_ms for earlier, later in itertools.pairwise(made))
        assert close <= self.urgent_count, "more than one job in a window"


def play(steps: Sequence[Step], plant: Callable[[Machine], None] | None = None) -> None:
    """Plays the steps to their end and judges."""

    async def story() -> None:
        machine = Machine()
        await machine.prepare()
        if plant is not None:
            plant(machine)
        for step in steps:
            await machine.step(step)
        await machine.go_quiet()
        await machine.judge()

    with structlog.testing.capture_logs():
        asyncio.run(story())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_event_is_covered_by_a_later_run_that_saw_its_record(steps: list[Step]) -> None:
    """No order of events, deaths and timers loses one, and a window has one job."""
    play(steps)


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_every_event_is_covered_at_length(steps: list[Step]) -> None:
    """The same, for long."""
    play(steps)


def dedup_window(machine: Machine) -> None:
    """Plants a queue that drops what comes within a window after the last event."""
    accept, last = machine.world.accept_events, [-RULES.window_ms]

    async def deduplicating(events: Sequence[SourceEvent]) -> int:
        now_ms = machine.world.clock.now_ms()
        if now_ms - last[0] < RULES.window_ms:
            return len(events)
        last[0] = now_ms
        return await accept(events)

    machine.world.accept_events = deduplicating  # type: ignore[assignment]  # a planted bug


def sequence_read_at_the_end(machine: Machine) -> None:
    """Plants a worker that reads the count when it commits."""
    make_worker = machine.world.worker

    def worker(*args: Any, **more: Any) -> RunSync:
        made = make_worker(*args, **more)
        commit = made._parts.source._commit
        commit_config, finish = commit.commit_config, commit.finish

        async def late_config(lease: Any, pair: Any, reading: Any, decisions: Any, _: int) -> None:
            await commit_config(lease, pair, reading, decisions, (await machine.world.need()).dirty_sequence)

        async def late_finish(lease: Any, outcome: Any) -> Any:
            sequence = (await machine.world.need()).dirty_sequence
            run = replace(outcome.run, sequence=sequence, seen=frozenset(one.record for one in machine.told))
            return await finish(lease, replace(outcome, run=run))

        commit.commit_config = late_config  # type: ignore[method-assign,assignment]  # a planted bug
        commit.finish = late_finish  # type: ignore[method-assign]  # a planted bug
        return made

    machine.world.worker = worker  # type: ignore[method-assign]  # a planted bug


def drop_on_in_progress(machine: Machine) -> None:
    """Plants a coalescer that takes no event of a source whose job runs: "it will see it anyway"."""
    accept = machine.world.accept_events

    async def dropping(events: Sequence[SourceEvent]) -> int:
        if (await machine.world.need()).job is not None:
            return len(events)
        return await accept(events)

    machine.world.accept_events = dropping  # type: ignore[assignment]  # a planted bug


LOSING: dict[Callable[[Machine], None], list[Step]] = {
    dedup_window: [("event", 0), ("timer", 0), ("run", 0), ("event", 0)],
    sequence_read_at_the_end: [("event", 0), ("event_during_read", 0), ("timer", 0), ("run", 0)],
    drop_on_in_progress: [("event", 0), ("event_during_read", 0), ("timer", 0), ("run", 0)],
}


@pytest.mark.parametrize("plant", LOSING, ids=lambda plant: plant.__name__)
def test_the_machine_catches_a_planted_bug(plant: Callable[[Machine], None]) -> None:
    """Each bug loses an event in a short story, which the sound coalescer survives."""
    play(LOSING[plant])
    with pytest.raises(AssertionError, match="is lost"):
        play(LOSING[plant], plant)


@pytest.mark.parametrize("plant", LOSING, ids=lambda plant: plant.__name__)
def test_drawn_steps_find_a_planted_bug(plant: Callable[[Machine], None]) -> None:
    """Nobody has to know the story: drawing steps finds it."""

    @settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def drawn(steps: list[Step]) -> None:
        play(steps, plant)

    with pytest.raises(AssertionError):
        drawn()
