"""The engine: what batches share and what they do not, its bounds, and its housekeeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncwell.adapters.embedded import checkpointer, wakeups
from syncwell.adapters.embedded import engine as engine_module
from syncwell.adapters.embedded.batch import Answer, Submission, Task
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.operations import AppendEvents, DeleteMessages, SendMessages, Transact, WriteEach
from syncwell.adapters.embedded.store_file import StoreFile
from syncwell.domain.errors import ConditionFailedError, InvalidInputError, OutcomeUnknownError, StoreUnavailableError
from syncwell.ports.event_log import Event
from syncwell.ports.item_store import Absent, Exists, Item, Key, Put
from syncwell.ports.job_queue import JobClass, JobMessage
from tests.unit.fakes.clock import FakeClock, settle

KEY = Key("P", "S")
MESSAGE = JobMessage("u", "job_1", JobClass.NORMAL)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def engine(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Engine]:
    async with Engine(tmp_path / "store.db", clock) as opened:
        yield opened


@pytest.fixture
async def file(engine: Engine) -> AsyncIterator[StoreFile]:
    opened = StoreFile(engine.path)
    yield opened
    opened.close()


async def test_operations_of_a_call_happen_in_order(engine: Engine, file: StoreFile) -> None:
    """Each operation sees what those before it did; a refused one leaves the others alone."""
    outcomes = await engine.execute(
        [
            Transact([Put(Item(KEY, b"1"), Absent())]),
            Transact([Put(Item(KEY, b"2"), Absent())]),
            WriteEach([Put(Item(KEY, b"3"), Exists()), Put(Item(KEY, b"4"), Absent())]),
            SendMessages([MESSAGE]),
        ]
    )

    assert outcomes[0] is None
    assert isinstance(outcomes[1], ConditionFailedError)
    assert outcomes[2:] == [(True, False), None]
    assert file.items.get(KEY) == Item(KEY, b"3")


@pytest.mark.parametrize(
    "bad",
    [Item(KEY, b"", version=2**63), Item(Key("P", "\ud800"), b""), Item(Key("P", "T"), b"", at_ms=-(2**63) - 1)],
    ids=["version", "text", "time"],
)
async def test_operation_that_cannot_be_stored_fails_alone(engine: Engine, file: StoreFile, bad: Item) -> None:
    """A number over 64 bits or broken text is refused, whole; its neighbours in the batch are done, once."""
    good = [Transact([Put(Item(Key("G", str(number)), b""), Absent())]) for number in range(3)]
    answers = await asyncio.gather(
        engine.execute([good[0], SendMessages([MESSAGE])]),
        engine.execute([good[1], Transact([Put(Item(Key("P", "A"), b"")), Put(bad)]), good[2]]),
    )

    assert answers[0] == [None, None]
    assert [type(outcome) for outcome in answers[1]] == [type(None), InvalidInputError, type(None)]
    assert len(file.items.query("G", sort_prefix="", limit=9, cursor=None, is_descending=False).items) == 3
    assert file.items.get(Key("P", "A")) is None
    assert file.depth(JobClass.NORMAL) == 1


async def test_those_who_wait_share_a_commit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred callers at once need a handful of syncs, not a hundred."""
    sizes: list[int] = []
    commit = engine._commit  # the one place where batches are seen

    async def counted(batch: list[Submission]) -> None:
        sizes.append(len(batch))
        await commit(batch)

    monkeypatch.setattr(engine, "_commit", counted)
    await asyncio.gather(*[engine.execute([Transact([Put(Item(Key("P", str(n)), b""))])]) for n in range(100)])

    assert sum(sizes) == 100
    assert len(sizes) <= 3


async def test_batches_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the number nor the bytes of a batch pass their bound, unless one call alone does."""
    monkeypatch.setattr(engine_module, "BATCH_TASKS_MAX", 4)
    monkeypatch.setattr(engine_module, "BATCH_BYTES_MAX", 3_000)
    batches: list[list[int]] = []
    commit = engine._commit

    async def counted(batch: list[Submission]) -> None:
        batches.append([submission.byte_count for submission in batch])
        await commit(batch)

    monkeypatch.setattr(engine, "_commit", counted)
    sizes = [10, 10, 10, 10, 10, 2_000, 2_000, 9_000, 10]
    await asyncio.gather(
        *[engine.execute([Transact([Put(Item(Key("P", str(n)), bytes(size)))])]) for n, size in enumerate(sizes)]
    )

    assert sum(map(len, batches)) == len(sizes)
    assert all(len(batch) <= 4 and (sum(batch) <= 3_000 or len(batch) == 1) for batch in batches)


async def test_too_much_waiting_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a caller learns at once that nothing was written, and later ones are served again."""
    monkeypatch.setattr(engine_module, "WAITING_TASKS_MAX", 10)

    ended = await asyncio.gather(
        *[engine.execute([Transact([Put(Item(Key("P", str(n)), b""))])]) for n in range(15)], return_exceptions=True
    )

    assert [type(end) for end in ended] == [list] * 10 + [StoreUnavailableError] * 5
    assert await engine.execute([SendMessages([MESSAGE])]) == [None]


async def test_stopped_engine_does_what_it_accepted(tmp_path: Path, clock: FakeClock) -> None:
    """Calls before the stop are committed and answered, calls behind it refused."""
    engine = Engine(tmp_path / "store.db", clock)
    async with engine:
        accepted = asyncio.create_task(engine.execute([Transact([Put(Item(KEY, b""))])]))
        await asyncio.sleep(0)
        engine.stop()
        with pytest.raises(StoreUnavailableError):
            await engine.execute([SendMessages([MESSAGE])])

    assert await accepted == [None]
    file = StoreFile(tmp_path / "store.db")
    assert file.items.get(KEY) == Item(KEY, b"")
    file.close()


async def test_closing_twice_is_closing(engine: Engine) -> None:
    """A second close does nothing."""
    await engine.close()
    await engine.close()


async def test_caller_that_gave_up_harms_nobody(engine: Engine, file: StoreFile) -> None:
    """A cancelled call may still be done; its neighbours are answered."""
    given_up = asyncio.create_task(engine.execute([Transact([Put(Item(KEY, b""))])]))
    other = asyncio.create_task(engine.execute([SendMessages([MESSAGE])]))
    await asyncio.sleep(0)
    given_up.cancel()

    assert await other == [None]
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert file.depth(JobClass.NORMAL) == 1


async def test_expired_items_go_in_steps(engine: Engine, file: StoreFile, clock: FakeClock) -> None:
    """Items behind their time go, a grace for other clocks later; the others stay."""
    now_ms = clock.now_ms()
    expiring = [Put(Item(Key("P", f"{n:04}"), b"", expires_at_ms=now_ms + 1_000)) for n in range(450)]
    staying = [Put(Item(Key("Q", "later"), b"", expires_at_ms=now_ms + 600_000)), Put(Item(Key("Q", "never"), b""))]
    await engine.execute([WriteEach([*expiring, *staying])])

    clock.advance(timedelta(seconds=30))
    await engine.purge()
    assert file.items.get(Key("P", "0000")) is not None
    clock.advance(timedelta(seconds=60))
    await engine.purge()

    assert file.items.query("P", sort_prefix="", limit=1, cursor=None, is_descending=False).items == ()
    assert len(file.items.query("Q", sort_prefix="", limit=9, cursor=None, is_descending=False).items) == 2


async def test_purge_comes_by_itself(engine: Engine, file: StoreFile, clock: FakeClock) -> None:
    """The engine purges from time to time, old messages and their count included."""
    await engine.execute([SendMessages([MESSAGE]), AppendEvents([Event("e", "u", b"")])])
    await settle()
    clock.advance(timedelta(days=14, seconds=1))
    for _ in range(200):
        if file.depth(JobClass.NORMAL) == 0:
            break
        await asyncio.sleep(0.005)  # the commit thread's time, not the clock's

    assert file.depth(JobClass.NORMAL) == 0


async def test_depth_counts_each_message_once(engine: Engine, file: StoreFile) -> None:
    """Deleting twice, or with a bad receipt, does not bend the count."""
    await engine.execute([SendMessages([MESSAGE, MESSAGE])])
    (delivery,) = await engine.receive(JobClass.NORMAL, limit=1, visibility_ms=1_000, wait_ms=0)
    await engine.execute([DeleteMessages([delivery.receipt, delivery.receipt]), DeleteMessages([delivery.receipt])])

    assert file.depth(JobClass.NORMAL) == 1


async def test_log_stays_bounded_under_load(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is written without a pause, checkpoints keep the write-ahead log short."""
    monkeypatch.setattr(checkpointer, "LOG_PAGES_DUE", 50)

    async def write(user: int) -> None:
        for number in range(60):
            await engine.execute([Transact([Put(Item(Key(f"P{user}", str(number % 5)), bytes(8_000)))])])

    async with asyncio.TaskGroup() as group:
        for user in range(8):
            group.create_task(write(user))

    written = 8 * 60 * 8_000
    assert (tmp_path / "store.db-wal").stat().st_size < written / 2


async def test_idle_receivers_do_not_poll(engine: Engine, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that waits asks the table once, not again and again."""
    asked = 0
    submit = engine._submit

    async def counted(tasks: list[Task]) -> list[Answer]:
        nonlocal asked
        asked += 1
        return await submit(tasks)

    monkeypatch.setattr(engine, "_submit", counted)
    waiting = asyncio.create_task(engine.receive(JobClass.BULK, limit=1, visibility_ms=1, wait_ms=60_000))
    for _ in range(20):
        await asyncio.sleep(0.005)
        clock.advance(timedelta(seconds=1))
    assert asked == 1
    clock.advance(timedelta(seconds=60))

    assert await waiting == ()


async def test_unforeseen_failure_is_answered(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks while a batch is worked on, its callers learn that nothing was written and the engine goes on."""
    with monkeypatch.context() as broken:
        broken.setattr(engine._tables, "apply", _break)
        (outcome,) = await engine.execute([SendMessages([MESSAGE])])

    assert isinstance(outcome, StoreUnavailableError)
    assert await engine.execute([SendMessages([MESSAGE])]) == [None]


async def test_unforeseen_failure_of_the_commit_is_an_unknown_outcome(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the commit has begun, a failure of another kind claims nothing."""
    with monkeypatch.context() as broken:
        broken.setattr(engine, "_make_durable", _break)
        (outcome,) = await engine.execute([SendMessages([MESSAGE])])

    assert isinstance(outcome, OutcomeUnknownError)
    assert await engine.execute([SendMessages([MESSAGE])]) == [None]


async def test_waiters_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long polls beyond the bound are refused; the others wait on."""
    monkeypatch.setattr(wakeups, "WAITERS_MAX", 2)
    polls = [
        asyncio.create_task(engine.receive(JobClass.BULK, limit=1, visibility_ms=1_000, wait_ms=60_000))
        for _ in range(3)
    ]
    refused, waiting = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    assert [type(poll.exception()) for poll in refused] == [StoreUnavailableError]
    await engine.execute([SendMessages([JobMessage("u", "job_1", JobClass.BULK)])])
    served, unserved = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    engine.stop()

    assert [len(poll.result()) for poll in served] == [1]
    assert [await poll for poll in unserved] == [()]


def _break(*_: object) -> None:
    raise KeyError("unforeseen")
