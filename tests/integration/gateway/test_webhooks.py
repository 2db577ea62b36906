"""Providers tell of changes: what is ours is durable before the answer, everything else changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any  # reason: events are JSON

import pytest

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import UnavailableError
from syncwell.domain.webhook_secrets import webhook_path_secret, webhook_verify_token
from syncwell.ports.webhooks import Subscription
from syncwell.repositories.accounts import Accounts, ExternalOwner, owner_put
from syncwell.repositories.needs import Needs
from syncwell.repositories.subscriptions import Subscriptions
from tests.integration.gateway.bed import WEBHOOK_KEY, Bed, Person, Reply, running_gateway

SUBSCRIPTION = 131_301
PATH = f"/v1/webhooks/strava/{webhook_path_secret(WEBHOOK_KEY, 'strava')}"
ATHLETE = 134_815


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Bed]:
    async with running_gateway(tmp_path) as bed:
        await Subscriptions(bed.items).save("strava", Subscription(str(SUBSCRIPTION), "http://here/"))
        yield bed


def told(bed: Bed, **changes: Any) -> dict[str, Any]:
    event = {
        "object_type": "activity",
        "object_id": 1_360_128_428,
        "aspect_type": "create",
        "owner_id": ATHLETE,
        "subscription_id": SUBSCRIPTION,
        "event_time": bed.clock.now_ms() // 1000,
        "updates": {},
    }
    return {**event, **changes}


async def deliver(provider: Person, body: object, path: str = PATH, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await provider.send("POST", path, headers={"Content-Type": "application/json", **headers}, data=data)


async def athlete(bed: Bed, name: str = "ana", athlete_id: int = ATHLETE) -> Connection:
    """Gives a person an active Strava whose owner is known."""
    user_id = await bed.user_id(bed.person(name))
    connection = await bed.connector.add(user_id, "strava", ConnectionStatus.ACTIVE)
    owner = ExternalOwner("strava", str(athlete_id), user_id, connection.connection_id, 1)
    await bed.items.transact([owner_put(owner)])
    return connection


async def sequence(bed: Bed, connection: Connection) -> int:
    return (await Needs(bed.items).load(connection.user_id, connection.connection_id)).dirty_sequence


async def test_a_verification_is_answered_for_our_own_order_only(own: Bed) -> None:
    """The challenge comes back for the right path and token; any other is told that there is nothing."""
    token = webhook_verify_token(WEBHOOK_KEY, "strava")
    query = f"?hub.mode=subscribe&hub.challenge=15f7d1a91c1f40a&hub.verify_token={token}"

    answer = await own.nobody().get(PATH + query)

    assert (answer.status, answer.json) == (200, {"hub.challenge": "15f7d1a91c1f40a"})
    assert (await own.nobody().get(PATH + query + "x")).status == 404
    assert (await own.nobody().get(PATH)).status == 404
    assert (await own.nobody().get(f"/v1/webhooks/strava/{'0' * 40}{query}")).status == 404
    assert (await own.nobody().get(f"/v1/webhooks/garmin/{'0' * 40}{query}")).status == 404


async def test_an_event_is_durable_before_its_answer(own: Bed) -> None:
    """200 means that the need of the athlete's connection has counted the event."""
    connection = await athlete(own)

    answer = await deliver(own.nobody(), told(own))

    assert answer.status == 200
    assert await sequence(own, connection) == 1
    (event,) = own.source_events.taken
    assert (event.record_id, event.is_deletion) == ("1360128428", False)


async def test_a_repetition_counts_once(own: Bed) -> None:
    """The same event ten times over is one event; another second makes it another one."""
    connection = await athlete(own)
    event = told(own)

    for _ in range(10):
        assert (await deliver(own.nobody(), event)).status == 200
    assert await sequence(own, connection) == 1
    await deliver(own.nobody(), {**event, "event_time": event["event_time"] + 1})
    assert await sequence(own, connection) == 2


@pytest.mark.parametrize(
    ("changes", "path", "status"),
    [
        ({"subscription_id": 1}, PATH, 401),
        ({}, f"/v1/webhooks/strava/{'0' * 40}", 404),
        ({}, "/v1/webhooks/strava/", 404),
        ({}, "/v1/webhooks/nobody/x", 404),
    ],
)
async def test_a_forged_event_changes_nothing(own: Bed, changes: dict[str, int], path: str, status: int) -> None:
    """A wrong subscription or path is refused, and no need hears of it."""
    connection = await athlete(own)

    assert (await deliver(own.nobody(), told(own, **changes), path)).status == status
    assert await sequence(own, connection) == 0


async def test_events_of_strangers_are_taken_and_dropped(own: Bed) -> None:
    """An athlete whom nobody here has connected is answered 200, so that Strava does not repeat it."""
    assert (await deliver(own.nobody(), told(own, owner_id=7))).status == 200
    assert not own.source_events.taken


async def test_a_signature_is_checked_where_there_is_one(own: Bed) -> None:
    """Unsigned is taken, well signed is taken, badly or long ago signed is refused."""
    connection = await athlete(own)
    body = json.dumps(told(own)).encode()

    def signed(secret: str, moment: int) -> str:
        text = str(moment).encode() + b"." + body
        return f"t={moment},v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"

    now = own.clock.now_ms() // 1000
    for signature in (signed("wrong", now), signed("s", now - 301), "t=,v1=", "nonsense", "t=1e9,v1=\u00fc"):
        answer = await deliver(own.nobody(), body, **{"X-Strava-Signature": signature})
        assert answer.status == 401
    assert await sequence(own, connection) == 0
    assert (await deliver(own.nobody(), body, **{"X-Strava-Signature": signed("s", now)})).status == 200
    assert await sequence(own, connection) == 1


async def test_an_array_is_split_and_its_good_members_are_taken(own: Bed) -> None:
    """Events of two people, a forged one, a stranger's and nonsense in one delivery: two are counted."""
    ana, ben = await athlete(own), await athlete(own, "ben", 99)
    events = [told(own), told(own, owner_id=99), told(own, subscription_id=5), told(own, owner_id=7), {"a": 1}, 5]

    assert (await deliver(own.nobody(), events)).status == 200
    assert (await sequence(own, ana), await sequence(own, ben)) == (1, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 20_000, 400),
        (b'{"updates":' * 5_000, 400),
        (b'{"object_type":"activity"}', 400),
        (b'"\xff"', 400),
        (b"[" + b"1," * 1_001 + b"1]", 400),
        (b" " * (64 * 1024 + 1), 413),
    ],
)
async def test_a_body_that_is_no_delivery_is_refused(own: Bed, body: bytes, status: int) -> None:
    """Empty, broken, endlessly nested, too long and too large bodies are refused at once."""
    assert (await deliver(own.nobody(), body)).status == status


async def test_numbers_out_of_range_are_no_event(own: Bed) -> None:
    """An id that no provider gives is refused, whatever its size."""
    for value in (-1, 1 << 63, 1 << 200):
        assert (await deliver(own.nobody(), told(own, object_id=value))).status == 400


async def test_a_deletion_is_told_as_one(own: Bed) -> None:
    """The coalescer hears that the record is gone."""
    await athlete(own)

    await deliver(own.nobody(), told(own, aspect_type="delete"))

    assert [event.is_deletion for event in own.source_events.taken] == [True]


async def test_a_deauthorization_among_events_ends_the_connection(own: Bed) -> None:
    """It comes first: the connection is revoked and no other event of that athlete is taken."""
    connection = await athlete(own)
    gone = told(own, object_type="athlete", object_id=ATHLETE, aspect_type="update", updates={"authorized": "false"})

    answer = await deliver(own.nobody(), [told(own), told(own, object_id=2), gone, told(own, object_id=3)])

    assert answer.status == 200
    assert own.connector.calls == ["note_deauthorization"]
    assert not own.source_events.taken
    stored = await Accounts(own.items).load_connection(connection.user_id, connection.connection_id)
    assert stored is not None
    assert stored.status is ConnectionStatus.REVOKED
    assert (await deliver(own.nobody(), told(own, object_id=4))).status == 200
    assert not own.source_events.taken


async def test_an_old_deauthorization_does_not_end_a_newer_connection(own: Bed) -> None:
    """Who has come back since is not thrown out by a repetition of the old event."""
    own.clock.advance(timedelta(hours=1))
    await athlete(own)
    old = told(own, object_type="athlete", aspect_type="update", updates={"authorized": "false"})

    await deliver(own.nobody(), {**old, "event_time": old["event_time"] - 600})

    assert own.connector.calls == []


async def test_what_cannot_be_made_durable_is_not_acknowledged(own: Bed) -> None:
    """503 while the coalescer is away or too slow, so that the provider sends again; then it is taken."""
    connection = await athlete(own)
    own.source_events.failure = UnavailableError("away")
    assert (await deliver(own.nobody(), told(own))).status == 503
    own.source_events.failure = None
    own.source_events.delay_seconds = 5.0
    began = asyncio.get_running_loop().time()
    assert (await deliver(own.nobody(), told(own))).status == 503
    assert asyncio.get_running_loop().time() - began < 2.0
    own.source_events.delay_seconds = 0.0
    assert await sequence(own, connection) == 0
    assert (await deliver(own.nobody(), told(own))).status == 200
    assert await sequence(own, connection) == 1
