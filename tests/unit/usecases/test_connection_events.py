"""What readers of the event log learn about connections."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from syncwell.api.events.v1 import events_pb2
from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import NotFoundError, OutcomeUnknownError, StoreUnavailableError
from syncwell.domain.sharding import bucket_of
from syncwell.ports.connector import Callback
from syncwell.ports.item_store import Put
from syncwell.usecases.confirm_connection import WRONG_TRIES_MAX
from tests.unit.fakes.clock import settle
from tests.unit.usecases.credentials_kit import CODE, CONNECTION_ID, REDIRECT, STRANGER, USER, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def consent(kit: Kit) -> Callback:
    begun = await kit.begin.run(USER, "strava", redirect_uri=REDIRECT)
    (state,) = parse_qs(urlsplit(begun.url).query)["state"]
    return Callback(state=state, code="code-1")


def outbox_rows(kit: Kit) -> list[str]:
    return [key.sort for key in kit.items.items if key.sort.startswith("OUTBOX#")]


async def test_life_of_a_connection_is_told_in_order(kit: Kit) -> None:
    """Pending, active and ended are told once each, and the outbox is empty afterwards."""
    done = await kit.complete.run("strava", await consent(kit))
    connection_id = done.connection.connection_id
    await kit.confirm.run(USER, connection_id, done.confirmation_code or "")
    await kit.confirm.run(USER, connection_id, done.confirmation_code or "")
    await kit.revoke.run(USER, connection_id)
    await kit.revoke.run(USER, connection_id)

    assert kit.told() == ["pending", "active", "revoked"]
    assert [event.event_id for event in kit.event_log.events] == [f"evt_{connection_id}_{n}" for n in (1, 2, 3)]
    assert outbox_rows(kit) == []


async def test_event_names_connection_and_version_only(kit: Kit) -> None:
    """A reader can order and look up; neither names nor accounts nor tokens are in the log."""
    await kit.seed(status=ConnectionStatus.PENDING)
    await kit.confirm.run(USER, CONNECTION_ID, CODE)

    (event,) = kit.event_log.events
    body = events_pb2.Event.FromString(event.body)
    assert (body.event_id, body.user_id) == (event.event_id, USER)
    assert body.event_time.ToMilliseconds() == kit.clock.now_ms()
    expected = events_pb2.ConnectionUpdated(connection_id=CONNECTION_ID, status="active", generation=1, version=2)
    assert body.connection_updated == expected


async def test_fact_is_written_with_its_state(kit: Kit) -> None:
    """Each transaction that changes a state holds its fact, so that no kill can part them."""
    done = await kit.complete.run("strava", await consent(kit))
    await kit.confirm.run(USER, done.connection.connection_id, done.confirmation_code or "")
    await kit.revoke.run(USER, done.connection.connection_id)

    changes = [
        [write.item.key.sort.split("#")[0] for write in transaction if isinstance(write, Put)]
        for transaction in kit.items.transactions
    ]
    assert [("CONN" in sorts, "OUTBOX" in sorts) for sorts in changes if "CONN" in sorts] == [(True, True)] * 3


async def test_given_up_grant_is_told_and_so_is_its_return(kit: Kit) -> None:
    """A mark that a late holder of good tokens undoes is two facts; an ordinary refresh is none."""
    row = await kit.seed()
    kit.oauth.hold = asyncio.Event()
    asked = asyncio.create_task(kit.refresh.run(row))
    await settle()
    assert await kit.refresh.end(await kit.row())
    kit.oauth.hold.set()
    await asked
    kit.oauth.hold = None
    assert kit.told() == ["needs_reauth", "active"]

    assert await kit.refresh.run(await kit.row()) is not None

    assert kit.told() == ["needs_reauth", "active"]


@pytest.mark.parametrize("late", [False, True])
async def test_dropped_connection_is_told(kit: Kit, late: bool) -> None:
    """The end of a connection that was not confirmed, by wrong codes or by time, is a fact like another."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.clock.advance(timedelta(minutes=10 if late else 0))

    for _ in range(WRONG_TRIES_MAX):
        with pytest.raises(NotFoundError):
            await kit.confirm.run(USER, CONNECTION_ID, "wrong")

    assert kit.told() == ["revoked"]


async def test_refused_change_is_not_told(kit: Kit) -> None:
    """What was not written is not told, and neither is a stranger's attempt."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.items.fail_next(StoreUnavailableError("down"))
    with pytest.raises(StoreUnavailableError):
        await kit.confirm.run(USER, CONNECTION_ID, CODE)
    with pytest.raises(NotFoundError):
        await kit.confirm.run(STRANGER, CONNECTION_ID, CODE)

    assert kit.told() == []
    assert outbox_rows(kit) == []


async def test_lost_answer_is_told_once(kit: Kit) -> None:
    """A change that was found to be done is published as if its answer had come."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.items.fail_next(OutcomeUnknownError("lost"))

    await kit.confirm.run(USER, CONNECTION_ID, CODE)

    assert kit.told() == ["active"]


async def test_fact_that_cannot_be_published_is_left_to_the_sweep(kit: Kit) -> None:
    """An event log that is away holds up nobody; the fact is published later under the same id."""
    await kit.seed(status=ConnectionStatus.PENDING)
    kit.event_log.error = StoreUnavailableError("down")
    await kit.confirm.run(USER, CONNECTION_ID, CODE)
    assert kit.told() == []
    kit.event_log.error = None
    kit.clock.advance(timedelta(seconds=11))

    assert await kit.publish.publish_due(bucket_of(USER)) == 1

    assert kit.told() == ["active"]
    assert outbox_rows(kit) == []
