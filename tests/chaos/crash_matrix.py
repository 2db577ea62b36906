"""What is done to meet each crash point, by service: the table that the crash tests go through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc

from syncwell.adapters.embedded.store_steps import StoreStep
from syncwell.adapters.grpc.channel import call_metadata, open_channel
from syncwell.api.coalescer.v1 import coalescer_pb2 as pb
from syncwell.api.coalescer.v1.coalescer_pb2_grpc import CoalescerServiceStub
from syncwell.api.common.v1 import common_pb2
from syncwell.runtime.caller_identity import load_identity
from syncwell.usecases.accept_steps import AcceptStep
from syncwell.usecases.event_steps import EventStep
from syncwell.usecases.sweep_steps import OutboxStep, SweepStep
from syncwell.usecases.sync_steps import SyncStep
from tests.chaos.installation import HINT_GRACE, Installation

if TYPE_CHECKING:
    from syncwell.api.coalescer.v1.coalescer_pb2_grpc import CoalescerServiceAsyncStub

CALL_SECONDS = 5.0
TRIES_MAX = 60
IN_PROGRESS = timedelta(seconds=31)  # how long a request that died holds its Idempotency-Key, and a little
EVENTS = 3


async def kill_worker(world: Installation, point: str, visit: int) -> None:
    """The worker dies in the middle of a sync; another finishes the job after the lease."""
    await world.seed()
    pid = world.arm("sync_worker", point, visit)
    job_id = await world.submit()
    await world.died("sync_worker", pid)
    await world.wait_out_lease()
    assert (await world.finish(job_id))["status"] == "SUCCEEDED"


async def kill_gateway_at_accept(world: Installation, point: str, visit: int) -> None:
    """The gateway dies while it accepts a job; the client asks again under the same key."""
    await world.seed()
    pid = world.arm("gateway", point, visit)
    submission = asyncio.create_task(world.submit())
    await world.died("gateway", pid)
    job_id = await submission
    if point == AcceptStep.AFTER_ACCEPT:
        await world.advance(HINT_GRACE)  # the hint died with the gateway; the scheduler misses it after its grace
    assert (await world.finish(job_id))["status"] == "SUCCEEDED"


async def kill_gateway_at_change(world: Installation, point: str, visit: int) -> None:
    """The gateway dies while it makes a config; the client asks again under the same key until it is answered."""
    pid = world.arm("gateway", point, visit)
    wish = {
        "sourceConnectionId": world.garmin,
        "destinationConnectionId": world.strava,
        "dataType": "workout",
        "isEnabled": False,
    }
    change = asyncio.create_task(world.client.change("/v1/sync-configs", wish))
    await world.died("gateway", pid)
    await world.advance(IN_PROGRESS)
    status, answer = await change
    assert status == 201, answer


async def kill_store(world: Installation, point: str, visit: int) -> None:
    """The store dies at one of the commits of a sync; everybody goes on when it is back."""
    await world.seed()
    pid = world.arm("store", point, visit)
    submission = asyncio.create_task(world.submit())
    await world.died("store", pid)
    job_id = await submission
    await world.wait_out_lease()
    assert (await world.finish(job_id))["status"] == "SUCCEEDED"


async def kill_scheduler(world: Installation, point: str, visit: int) -> None:
    """The scheduler dies while it finds a job whose hint was lost; its successor finds it again."""
    await world.seed()
    gateway = world.arm("gateway", AcceptStep.AFTER_ACCEPT)
    submission = asyncio.create_task(world.submit())
    await world.died("gateway", gateway)
    job_id = await submission
    pid = world.arm("scheduler", point, visit)
    await world.advance(HINT_GRACE)
    await world.died("scheduler", pid)
    await world.advance(HINT_GRACE)
    assert (await world.finish(job_id))["status"] == "SUCCEEDED"


async def kill_publishing_sweep(world: Installation, point: str, visit: int) -> None:
    """Worker and scheduler die over the same fact; it is published by the scheduler that comes after."""
    await kill_worker(world, OutboxStep.BEFORE_APPEND, 1)
    await world.seed()
    pid = world.arm("scheduler", point, visit)
    worker = world.arm("sync_worker", OutboxStep.BEFORE_APPEND)
    job_id = await world.submit()
    await world.died("sync_worker", worker)
    await world.advance(HINT_GRACE)
    await world.died("scheduler", pid)
    assert (await world.finish(job_id))["status"] == "SUCCEEDED"


async def kill_coalescer(world: Installation, point: str, visit: int) -> None:
    """The coalescer dies while it takes events; who told them tells them again, and none is forgotten."""
    before = await _dirty_sequence(world)
    pid = world.arm("coalescer", point, visit)
    telling = asyncio.create_task(_tell_events(world))
    await world.died("coalescer", pid)
    await telling
    assert await _dirty_sequence(world) >= before + 1


Scenario = Callable[[Installation, str, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CrashCase:
    """One cell of the matrix: which process dies where, and in which story."""

    service: str
    point: str
    scenario: Scenario

    @property
    def name(self) -> str:
        """Returns how tests call it."""
        return self.point if self.point.startswith(self.service) else f"{self.service}:{self.point}"


CASES = (
    *(CrashCase("sync_worker", point, kill_worker) for point in (*SyncStep, *OutboxStep)),
    *(
        CrashCase("gateway", point, kill_gateway_at_accept)
        for point in (AcceptStep.BEFORE_ACCEPT, AcceptStep.AFTER_ACCEPT, AcceptStep.AFTER_HINT)
    ),
    *(
        CrashCase("gateway", point, kill_gateway_at_change)
        for point in (AcceptStep.AFTER_CLAIM, AcceptStep.AFTER_ACTION, AcceptStep.AFTER_ANSWER)
    ),
    *(CrashCase("store", point, kill_store) for point in StoreStep),
    *(CrashCase("scheduler", point, kill_scheduler) for point in SweepStep),
    CrashCase("scheduler", OutboxStep.AFTER_APPEND, kill_publishing_sweep),
    *(CrashCase("coalescer", point, kill_coalescer) for point in EventStep),
)


async def _tell_events(world: Installation) -> None:
    """Tells events until they are accepted, as the gateway does on behalf of a provider that sends them again."""
    request = pb.AcceptEventsRequest()
    for number in range(EVENTS):
        event = request.events.add(
            user_id=world.user_id(), connection_id=world.garmin, data_type=common_pb2.DATA_TYPE_WORKOUT
        )
        event.arrival_time.FromMilliseconds(world.clock.now_ms() - number)
    for _ in range(TRIES_MAX):
        try:
            async with _coalescer(world) as (stub, metadata):
                await stub.AcceptEvents(request, metadata=metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the coalescer took no events")


async def _dirty_sequence(world: Installation) -> int:
    request = pb.GetNeedRequest(user_id=world.user_id(), connection_id=world.garmin)
    async with _coalescer(world) as (stub, metadata):
        answer = await stub.GetNeed(request, metadata=metadata, timeout=CALL_SECONDS)
    return int(answer.dirty_sequence)


@asynccontextmanager
async def _coalescer(
    world: Installation,
) -> AsyncIterator[tuple[CoalescerServiceAsyncStub, tuple[tuple[str, str], ...]]]:
    metadata = tuple(call_metadata(identity=load_identity(world.settings.keys_dir, "gateway")))
    async with open_channel(world.settings.address_of("coalescer")) as channel:
        yield CoalescerServiceStub(channel), metadata
