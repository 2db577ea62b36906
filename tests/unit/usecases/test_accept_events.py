from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.domain.source_events import SOURCE_EVENTS_MAX, SourceEvent
from syncwell.repositories.needs import Needs
from syncwell.usecases.accept_events import AcceptEvents
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.item_store import DictItemStore

USER, OTHER = UserId("usr_1"), UserId("usr_2")
SOURCE = ConnectionId("conn_1")


def event(user: UserId = USER, data_type: DataType = DataType.WORKOUT, at: int = 1000) -> SourceEvent:
    return SourceEvent(user, SOURCE, data_type, at)


@pytest.fixture
def needs() -> Needs:
    return Needs(DictItemStore())


@pytest.fixture
def accept(needs: Needs) -> AcceptEvents:
    return AcceptEvents(needs, FakeClock(), window=timedelta(seconds=60))


async def test_every_event_raises_the_dirty_sequence(accept: AcceptEvents, needs: Needs) -> None:
    """The sequence counts events, the types are united, and the oldest arrival is kept."""
    await accept([event(at=2000), event(data_type=DataType.SLEEP_SESSION, at=1500)])
    await accept([event(at=3000)])

    need = await needs.load(USER, SOURCE)
    assert need.dirty_sequence == 3
    assert need.covered_sequence == 0
    assert need.data_types == {DataType.WORKOUT, DataType.SLEEP_SESSION}
    assert need.pending_at_ms == 1500


async def test_concurrent_writers_lose_nothing(accept: AcceptEvents, needs: Needs) -> None:
    """Events of many callers at once are all counted."""
    await asyncio.gather(*(accept([event()]) for _ in range(10)))

    assert (await needs.load(USER, SOURCE)).dirty_sequence == 10


async def test_users_do_not_mix(accept: AcceptEvents, needs: Needs) -> None:
    """The same connection id under another user is another need."""
    await accept([event(USER), event(OTHER), event(OTHER)])

    assert (await needs.load(USER, SOURCE)).dirty_sequence == 1
    assert (await needs.load(OTHER, SOURCE)).dirty_sequence == 2


async def test_too_many_events_are_refused_whole(accept: AcceptEvents, needs: Needs) -> None:
    """More than the bound is a typed error and nothing is counted."""
    with pytest.raises(InvalidInputError):
        await accept([event()] * (SOURCE_EVENTS_MAX + 1))

    assert (await needs.load(USER, SOURCE)).dirty_sequence == 0
