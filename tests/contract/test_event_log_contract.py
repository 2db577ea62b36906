"""What every event log keeps to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.errors import InvalidInputError, NotFoundError
from syncwell.ports.event_log import Event, EventLog, LoggedEvent
from tests.contract.backends import Backend

NOW = timedelta(0)
PATIENCE = timedelta(seconds=10)


@pytest.fixture
def events(backend: Backend) -> EventLog:
    return backend.events


async def test_events_come_in_order(events: EventLog) -> None:
    """A reader sees what was appended behind its cursor, whole and in order."""
    start = await events.tail()
    appended = [Event("e1", "u", b""), Event("e2", "v", bytes(range(256))), Event("e1", "u", b"again")]
    await events.append(appended[:1])
    await events.append(appended[1:])

    assert _events(await events.read(after=start, limit=10, wait=NOW)) == appended


async def test_reader_resumes_at_its_cursor(events: EventLog) -> None:
    """Pages of the log fit together, and end with nothing."""
    cursor = await events.tail()
    await events.append([_event(number) for number in range(5)])
    seen: list[str] = []
    while page := await events.read(after=cursor, limit=2, wait=NOW):
        assert len(page) <= 2
        seen += [logged.event.event_id for logged in page]
        cursor = page[-1].cursor

    assert seen == [f"e{number}" for number in range(5)]
    assert cursor == await events.tail()


async def test_no_cursor_means_from_now_on(events: EventLog) -> None:
    """A new reader does not get the past."""
    await events.append([_event(1)])

    assert await events.read(after=None, limit=10, wait=NOW) == ()


async def test_new_reader_gets_what_comes_while_it_waits(events: EventLog) -> None:
    """`after=None` with a wait returns the first event from then on."""
    waiting = asyncio.create_task(events.read(after=None, limit=10, wait=PATIENCE))
    await asyncio.sleep(0.1)  # the reader must be there before the event is
    await events.append([_event(7)])

    async with asyncio.timeout(5):
        assert _events(await waiting) == [_event(7)]


async def test_waiting_reader_is_woken(events: EventLog) -> None:
    """An append reaches a reader that waits, without the clock moving."""
    waiting = asyncio.create_task(events.read(after=await events.tail(), limit=10, wait=PATIENCE))
    await asyncio.sleep(0.02)
    await events.append([_event(1)])

    async with asyncio.timeout(5):
        assert _events(await waiting) == [_event(1)]


async def test_every_reader_is_woken(events: EventLog) -> None:
    """The log is not a queue: all readers get every event."""
    tail = await events.tail()
    waiting = [asyncio.create_task(events.read(after=tail, limit=10, wait=PATIENCE)) for _ in range(3)]
    await asyncio.sleep(0.02)
    await events.append([_event(1)])

    async with asyncio.timeout(5):
        assert [_events(page) for page in await asyncio.gather(*waiting)] == [[_event(1)]] * 3


async def test_waiting_ends(backend: Backend) -> None:
    """A reader that waited in vain gets nothing."""
    tail = await backend.events.tail()
    waiting = asyncio.create_task(backend.events.read(after=tail, limit=1, wait=PATIENCE))
    await asyncio.sleep(0.05)
    backend.advance(PATIENCE + timedelta(seconds=1))

    async with asyncio.timeout(5):
        assert await waiting == ()


async def test_day_old_events_go(backend: Backend) -> None:
    """A cursor from before the oldest kept event is refused; the tail stays good when all went."""
    events = backend.events
    start = await events.tail()
    await events.append([_event(number) for number in range(450)])
    tail = await events.tail()
    backend.advance(timedelta(hours=24, minutes=1))
    await _purge(backend, start)

    with pytest.raises(NotFoundError):
        await events.read(after=start, limit=10, wait=NOW)
    assert await events.tail() == tail
    assert await events.read(after=tail, limit=10, wait=NOW) == ()
    await events.append([_event(1)])
    assert _events(await events.read(after=tail, limit=10, wait=NOW)) == [_event(1)]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "²", "9" * 30])
async def test_text_that_is_no_cursor_is_refused(events: EventLog, cursor: str) -> None:
    """Anything else is an invalid input."""
    with pytest.raises(InvalidInputError):
        await events.read(after=cursor, limit=10, wait=NOW)


@pytest.mark.parametrize("limit", [0, 1_001])
async def test_read_is_bounded(events: EventLog, limit: int) -> None:
    """1 to 1,000 events are read together."""
    with pytest.raises(InvalidInputError):
        await events.read(after=None, limit=limit, wait=NOW)


async def test_concurrent_appends_keep_their_order(events: EventLog) -> None:
    """Each writer's events stay in its order, and none is missing, however many write."""
    start = await events.tail()

    async def write(user: int) -> None:
        for number in range(10):
            await events.append([Event(f"{user}.{number}", str(user), b"")])

    async with asyncio.TaskGroup() as group:
        for user in range(10):
            group.create_task(write(user))
    seen = _events(await events.read(after=start, limit=1_000, wait=NOW))

    for user in range(10):
        assert [one.event_id for one in seen if one.user_id == str(user)] == [f"{user}.{n}" for n in range(10)]


async def _purge(backend: Backend, cursor: str) -> None:
    if backend.purge is not None:
        await backend.purge()
        return
    async with asyncio.timeout(20):
        while await _is_readable(backend.events, cursor):
            await asyncio.sleep(0.02)


async def _is_readable(events: EventLog, cursor: str) -> bool:
    try:
        await events.read(after=cursor, limit=1, wait=NOW)
    except NotFoundError:
        return False
    return True


def _event(number: int) -> Event:
    return Event(f"e{number}", "user", b"body")


def _events(page: tuple[LoggedEvent, ...]) -> list[Event]:
    return [logged.event for logged in page]
