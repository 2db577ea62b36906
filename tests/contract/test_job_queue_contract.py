"""What every job queue keeps to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.job_queue import Delivery, JobClass, JobMessage, JobQueue
from tests.contract.backends import Backend

NOW = timedelta(0)
MINUTE = timedelta(minutes=1)
PATIENCE = timedelta(seconds=10)  # of real time, for what comes at once
NORMAL = JobClass.NORMAL


@pytest.fixture
def queue(backend: Backend) -> JobQueue:
    return backend.queue


async def test_message_comes_as_sent(queue: JobQueue) -> None:
    """User, job, class and trace arrive; the first receive counts 1."""
    message = JobMessage("user", "job_1", JobClass.BULK, "00-ab-cd-01")
    await queue.send([message])

    (delivery,) = await queue.receive(JobClass.BULK, limit=10, visibility=MINUTE, wait=PATIENCE)

    assert delivery.message == message
    assert delivery.receive_count == 1


async def test_classes_are_apart(queue: JobQueue) -> None:
    """A class does not see the messages of another."""
    await queue.send([JobMessage("u", "job_1", JobClass.BULK)])

    assert await _take(queue, JobClass.INTERACTIVE) == ()
    assert await queue.depth(JobClass.INTERACTIVE) == 0


async def test_limit_is_kept(queue: JobQueue) -> None:
    """A receive returns at most `limit` messages, and the next one the rest."""
    await queue.send([_message(number) for number in range(5)])

    first = await queue.receive(NORMAL, limit=3, visibility=MINUTE, wait=PATIENCE)
    rest = await queue.receive(NORMAL, limit=3, visibility=MINUTE, wait=PATIENCE)

    assert len(first) == 3
    assert _jobs(first + rest) == {f"job_{number}" for number in range(5)}


async def test_received_message_is_hidden_until_its_time(backend: Backend) -> None:
    """Nobody else gets a message within its visibility; behind it, it comes again and counts."""
    queue = backend.queue
    await queue.send([_message(1)])
    await _take_one(queue, visibility=MINUTE)

    backend.advance(timedelta(seconds=55))
    assert await _take(queue) == ()
    backend.advance(timedelta(seconds=6))

    assert (await _take_one(queue)).receive_count == 2


async def test_acknowledged_message_is_gone(backend: Backend) -> None:
    """A deleted message never comes again."""
    queue = backend.queue
    await queue.send([_message(1)])
    await queue.delete([(await _take_one(queue)).receipt])
    backend.advance(timedelta(hours=1))

    assert await _take(queue) == ()
    assert await queue.depth(NORMAL) == 0


async def test_old_receipt_is_ignored(backend: Backend) -> None:
    """A receipt is good for its own receive: behind a later one it neither deletes nor extends."""
    queue = backend.queue
    await queue.send([_message(1)])
    old = await _take_one(queue)
    backend.advance(MINUTE + MINUTE)
    new = await _take_one(queue)

    await queue.delete([old.receipt])
    await queue.extend([old.receipt], visibility=timedelta(hours=1))
    assert await queue.depth(NORMAL) == 1
    backend.advance(MINUTE + MINUTE)

    assert (await _take_one(queue)).receive_count == new.receive_count + 1


async def test_receipt_of_a_gone_message_never_fits_another(queue: JobQueue) -> None:
    """Acknowledging twice does not take a later message away."""
    await queue.send([_message(1)])
    receipt = (await _take_one(queue)).receipt
    await queue.delete([receipt])
    await queue.send([_message(2)])
    second = await _take_one(queue)

    await queue.delete([receipt])

    assert second.receipt != receipt
    assert await queue.depth(NORMAL) == 1


@pytest.mark.parametrize("receipt", ["", "x", "1", "1.x", "-1.1", "1.1.1", "²", "9" * 30 + ".1"])
async def test_receipt_that_is_none_is_ignored(queue: JobQueue, receipt: str) -> None:
    """Text that never was a receipt harms nobody, not even its neighbours."""
    await queue.send([_message(1)])
    good = await _take_one(queue)

    await queue.delete([receipt, good.receipt])
    await queue.extend([receipt], visibility=MINUTE)

    assert await queue.depth(NORMAL) == 0


async def test_extended_message_stays_hidden(backend: Backend) -> None:
    """A heartbeat hides the message for longer, from its own moment on."""
    queue = backend.queue
    await queue.send([_message(1)])
    delivery = await _take_one(queue, visibility=MINUTE)
    backend.advance(timedelta(seconds=50))
    await queue.extend([delivery.receipt], visibility=MINUTE)
    backend.advance(timedelta(seconds=50))
    assert await _take(queue) == ()

    backend.advance(timedelta(seconds=20))
    assert _jobs(await _take(queue)) == {"job_1"}


async def test_released_message_comes_at_once(queue: JobQueue) -> None:
    """Extending by nothing hands a message back."""
    await queue.send([_message(1)])
    await queue.extend([(await _take_one(queue)).receipt], visibility=NOW)

    assert (await _take_one(queue)).receive_count == 2


async def test_extension_of_a_visible_message_is_ignored(backend: Backend) -> None:
    """Once its visibility is over, a message is anybody's."""
    queue = backend.queue
    await queue.send([_message(1)])
    delivery = await _take_one(queue, visibility=MINUTE)
    backend.advance(MINUTE + MINUTE)
    await queue.extend([delivery.receipt], visibility=MINUTE)

    assert _jobs(await _take(queue)) == {"job_1"}


async def test_delayed_message_waits(backend: Backend) -> None:
    """A delayed message counts in the depth, but comes only behind its delay."""
    queue = backend.queue
    await queue.send([_message(1)], delay=timedelta(seconds=900))
    backend.advance(timedelta(seconds=890))
    assert await queue.depth(NORMAL) == 1
    assert await _take(queue) == ()

    backend.advance(timedelta(seconds=11))
    assert _jobs(await _take(queue)) == {"job_1"}


@pytest.mark.parametrize("delay", [timedelta(seconds=901), timedelta(seconds=-1)])
async def test_impossible_delay_is_refused(queue: JobQueue, delay: timedelta) -> None:
    """More than 900 s are refused, as is the past."""
    with pytest.raises(InvalidInputError):
        await queue.send([_message(1)], delay=delay)
    assert await queue.depth(NORMAL) == 0


async def test_waiting_receiver_is_woken_by_a_send(queue: JobQueue) -> None:
    """A message reaches a receiver that waits already, without the clock moving."""
    waiting = asyncio.create_task(queue.receive(NORMAL, limit=1, visibility=MINUTE, wait=PATIENCE))
    await asyncio.sleep(0.05)  # lets the receiver reach the queue; it passes without this as well
    await queue.send([_message(1)])

    async with asyncio.timeout(5):
        assert _jobs(await waiting) == {"job_1"}


async def test_waiting_receiver_is_woken_when_a_message_becomes_visible(backend: Backend) -> None:
    """The end of a delay wakes a receiver, though nobody sends."""
    queue = backend.queue
    await queue.send([_message(1)], delay=timedelta(seconds=20))
    waiting = asyncio.create_task(queue.receive(NORMAL, limit=1, visibility=MINUTE, wait=timedelta(seconds=40)))
    await asyncio.sleep(0.05)
    backend.advance(timedelta(seconds=21))

    async with asyncio.timeout(5):
        assert _jobs(await waiting) == {"job_1"}


async def test_waiting_ends(backend: Backend) -> None:
    """A receiver that waited in vain gets nothing."""
    waiting = asyncio.create_task(backend.queue.receive(NORMAL, limit=1, visibility=MINUTE, wait=PATIENCE))
    await asyncio.sleep(0.05)
    backend.advance(PATIENCE + timedelta(seconds=1))

    async with asyncio.timeout(5):
        assert await waiting == ()


async def test_cancelled_receiver_takes_nothing(queue: JobQueue) -> None:
    """A receiver that gave up before the send does not swallow the message."""
    waiting = asyncio.create_task(queue.receive(NORMAL, limit=1, visibility=MINUTE, wait=PATIENCE))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.05)
    await queue.send([_message(1)])

    assert (await _take_one(queue)).receive_count == 1


async def test_competing_receivers_share(queue: JobQueue) -> None:
    """Each message goes to one of several receivers."""
    await queue.send([_message(number) for number in range(60)])

    shares = await asyncio.gather(*[queue.receive(NORMAL, limit=10, visibility=MINUTE, wait=NOW) for _ in range(8)])

    jobs = [delivery.message.job_id for share in shares for delivery in share]
    assert sorted(jobs) == sorted(f"job_{number}" for number in range(60))


async def test_message_of_two_weeks_is_forgotten(backend: Backend) -> None:
    """Retention is 14 days: the job row is the truth, not the message."""
    queue = backend.queue
    await queue.send([_message(1)])
    backend.advance(timedelta(days=13, hours=23))
    await queue.extend([(await _take_one(queue)).receipt], visibility=NOW)
    backend.advance(timedelta(hours=2))

    assert await _take(queue) == ()


@pytest.mark.parametrize("limit", [0, 1_001])
async def test_receive_is_bounded(queue: JobQueue, limit: int) -> None:
    """1 to 1,000 messages are received together."""
    with pytest.raises(InvalidInputError):
        await queue.receive(NORMAL, limit=limit, visibility=MINUTE, wait=NOW)


async def test_nothing_to_do(queue: JobQueue) -> None:
    """Empty calls succeed."""
    await queue.send([])
    await queue.extend([], visibility=MINUTE)
    await queue.delete([])

    assert await queue.depth(NORMAL) == 0


def _message(number: int) -> JobMessage:
    return JobMessage("user", f"job_{number}", NORMAL)


def _jobs(deliveries: tuple[Delivery, ...]) -> set[str]:
    return {delivery.message.job_id for delivery in deliveries}


async def _take(queue: JobQueue, job_class: JobClass = NORMAL) -> tuple[Delivery, ...]:
    return await queue.receive(job_class, limit=10, visibility=MINUTE, wait=NOW)


async def _take_one(queue: JobQueue, visibility: timedelta = MINUTE) -> Delivery:
    (delivery,) = await queue.receive(NORMAL, limit=1, visibility=visibility, wait=PATIENCE)
    return delivery
