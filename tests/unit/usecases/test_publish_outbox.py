"""Facts leave the outbox once they are in the log, and not before."""

from __future__ import annotations

from datetime import timedelta

from syncwell.domain.errors import StoreUnavailableError
from syncwell.domain.sharding import bucket_of
from syncwell.usecases.publish_outbox import PublishOutbox
from tests.unit.fakes.sync_world import USER, SyncWorld

BUCKET = bucket_of(USER)


async def test_left_over_fact_is_published_by_the_sweep() -> None:
    """What its writer could not publish is found after its grace, published under the same id, and forgotten."""
    world = SyncWorld()
    await world.connect()
    world.event_log.error = StoreUnavailableError("down")
    job = await world.sync()
    publish = PublishOutbox(outbox=world.outbox, event_log=world.event_log, clock=world.clock)
    world.clock.advance(timedelta(seconds=11))

    assert await publish.publish_due(BUCKET) == 0
    world.event_log.error = None
    assert await publish.publish_due(BUCKET) == 1
    assert await publish.publish_due(BUCKET) == 0

    assert [event.event_id for event in world.event_log.events] == [f"evt_{job.job_id}_{job.version}"]
    assert not [key for key in world.store.items if key.sort.startswith("OUTBOX#")]


async def test_published_fact_is_not_due() -> None:
    """A fact that its writer published leaves nothing behind."""
    world = SyncWorld()
    await world.connect()
    await world.sync()
    world.clock.advance(timedelta(minutes=1))
    publish = PublishOutbox(outbox=world.outbox, event_log=world.event_log, clock=world.clock)

    assert await publish.publish_due(BUCKET) == 0
    assert len(world.event_log.events) == 1
