"""The consumer gives each message what its run deserves, and one message never harms another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from structlog.testing import capture_logs

from services.sync_worker.consumer import Consumer
from syncwell.domain.errors import StoreUnavailableError
from syncwell.domain.jobs import JobId
from syncwell.domain.records import UserId
from syncwell.ports.job_queue import Delivery, JobClass, JobMessage, JobQueue
from syncwell.usecases.run_sync import Receipt, RunResult
from tests.unit.fakes.clock import FakeClock, settle

LEASE = timedelta(seconds=30)


class OneClassQueue(JobQueue):
    """Gives what it was filled with; remembers every answer."""

    def __init__(self, *job_ids: str) -> None:
        self.waiting = deque(job_ids)
        self.receives: list[int] = []
        self.answers: list[tuple[str, ...]] = []
        self.errors: list[Exception] = []

    async def send(self, messages: Sequence[JobMessage], *, delay: timedelta = timedelta(0)) -> None:
        self.answers += [("send", message.job_id, str(int(delay.total_seconds()))) for message in messages]

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility: timedelta, wait: timedelta
    ) -> tuple[Delivery, ...]:
        self.receives.append(limit)
        if self.errors:
            raise self.errors.pop(0)
        taken = [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]
        if not taken:
            await asyncio.Event().wait()
        return tuple(Delivery(JobMessage("u", one, job_class), f"receipt-{one}", 1) for one in taken)

    async def extend(self, receipts: Sequence[str], *, visibility: timedelta) -> None:
        self.answers += [("hide", receipt, str(int(visibility.total_seconds()))) for receipt in receipts]

    async def delete(self, receipts: Sequence[str]) -> None:
        self.answers += [("delete", receipt) for receipt in receipts]

    async def depth(self, job_class: JobClass) -> int:
        return len(self.waiting)


class ScriptedRunner:
    """Ends each job as told; jobs without an end run until they are cancelled."""

    def __init__(self, **ends: RunResult | Exception) -> None:
        self.ends = ends
        self.running: set[str] = set()
        self.most = 0

    async def run(
        self, user_id: UserId, job_id: JobId, *, on_beat: Callable[[], Awaitable[None]] | None = None
    ) -> RunResult:
        self.running.add(job_id)
        self.most = max(self.most, len(self.running))
        try:
            await asyncio.sleep(0)
            if job_id not in self.ends:
                assert on_beat is not None
                await on_beat()
                await asyncio.Event().wait()
            end = self.ends[job_id]
            if isinstance(end, Exception):
                raise end
            return end
        finally:
            self.running.discard(job_id)


def consumer_of(queue: OneClassQueue, runner: ScriptedRunner, clock: FakeClock, *, jobs_at_once: int = 4) -> Consumer:
    return Consumer(
        queue=queue,
        runner=runner,
        clock=clock,
        job_class=JobClass.INTERACTIVE,
        jobs_at_once=jobs_at_once,
        batch=10,
        lease=LEASE,
        wait=timedelta(seconds=5),
    )


async def consume(consumer: Consumer) -> None:
    """Lets the consumer take what there is, then stops its taking."""
    taking = asyncio.create_task(consumer.consume())
    await settle(60)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)


async def test_each_message_gets_what_it_deserves() -> None:
    """Done is deleted, deferred is sent again and deleted, held is hidden, trouble and bugs are left to their time."""
    queue = OneClassQueue("done", "later", "held", "away", "bug")
    runner = ScriptedRunner(
        done=RunResult(Receipt.ACKNOWLEDGE),
        later=RunResult(Receipt.RESEND, timedelta(seconds=7)),
        held=RunResult(Receipt.GIVE_BACK, timedelta(seconds=9)),
        away=StoreUnavailableError("down"),
        bug=ZeroDivisionError(),
    )

    with capture_logs() as lines:
        await consume(consumer_of(queue, runner, FakeClock(), jobs_at_once=8))

    trouble = sorted(line["event"] for line in lines if line["log_level"] != "info")
    assert trouble == ["job_left_to_its_lease", "message_failed"]
    assert sorted(queue.answers) == [
        ("delete", "receipt-done"),
        ("delete", "receipt-later"),
        ("hide", "receipt-held", "9"),
        ("send", "later", "7"),
    ]


async def test_no_more_is_taken_than_runs() -> None:
    """The consumer never holds a message that it does not run."""
    queue = OneClassQueue(*(f"j{n}" for n in range(9)))
    runner = ScriptedRunner()

    consumer = consumer_of(queue, runner, FakeClock(), jobs_at_once=3)
    await consume(consumer)

    assert (runner.most, len(queue.waiting)) == (3, 6)
    assert max(queue.receives) == 3
    await consumer.drain(within_seconds=0)


async def test_freed_place_is_filled() -> None:
    """As jobs end, the next messages are taken, to the last."""
    jobs = [f"j{n}" for n in range(9)]
    queue = OneClassQueue(*jobs)
    runner = ScriptedRunner(**dict.fromkeys(jobs, RunResult(Receipt.ACKNOWLEDGE)))

    await consume(consumer_of(queue, runner, FakeClock(), jobs_at_once=2))

    assert len(queue.answers) == 9
    assert runner.most == 2


async def test_heartbeat_keeps_the_message_hidden() -> None:
    """A running job's message stays hidden for another lease at each beat."""
    queue = OneClassQueue("long")
    consumer = consumer_of(queue, ScriptedRunner(), FakeClock())

    await consume(consumer)

    assert queue.answers == [("hide", "receipt-long", "30")]
    await consumer.drain(within_seconds=0)


async def test_drain_waits_and_then_hands_back() -> None:
    """Stopping lets jobs end; one that does not end in time is cancelled and its message shown to others at once."""
    queue = OneClassQueue("long")
    runner = ScriptedRunner()
    consumer = consumer_of(queue, runner, FakeClock())
    await consume(consumer)
    assert runner.running == {"long"}

    await consumer.drain(within_seconds=0.01)

    assert runner.running == set()
    assert queue.answers[-1] == ("hide", "receipt-long", "0")


async def test_queue_that_is_away_is_asked_again_after_a_pause() -> None:
    """Trouble in receiving pauses the consumer and does not end it."""
    queue = OneClassQueue("done")
    queue.errors = [StoreUnavailableError("down")]
    clock = FakeClock()
    runner = ScriptedRunner(done=RunResult(Receipt.ACKNOWLEDGE))
    taking = asyncio.create_task(consumer_of(queue, runner, clock).consume())

    await settle()
    assert queue.answers == []
    clock.advance(timedelta(seconds=1))
    await settle(60)

    assert queue.answers == [("delete", "receipt-done")]
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
