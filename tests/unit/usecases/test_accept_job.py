"""Accepting a job: checked, durable, hinted; never twice."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import (
    ConflictError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    SyncWellError,
    UnsupportedPairError,
)
from syncwell.domain.jobs import DateRange, JobMode, JobRequest, JobState, Priority
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.ports.history import Op
from syncwell.ports.job_queue import JobClass
from syncwell.usecases.accept_job import Acceptance
from tests.unit.fakes.sync_world import USER, SyncWorld, request_of

JOB_ID = re.compile(r"job_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    return world


async def accept(world: SyncWorld, request: JobRequest | None = None, key: str = "k1") -> Acceptance:
    return await world.accept_job.accept(request or request_of(), route="r", idempotency_key=key, correlation_id="c")


async def test_accepted_job_is_stored_and_hinted(world: SyncWorld) -> None:
    """The row is there when the call returns, and a message of its class points at it."""
    accepted = await accept(world)

    assert JOB_ID.fullmatch(accepted.job.job_id)
    assert (accepted.job.state, accepted.is_replay) == (JobState.QUEUED, False)
    assert await world.stored(accepted.job) == accepted.job
    ((message, delay),) = world.queue.sent
    assert (message.job_id, message.job_class, message.trace) == (accepted.job.job_id, JobClass.INTERACTIVE, "c")
    assert delay == timedelta(0)
    assert world.history.of("job.accept", Op.OK) == [{"user": USER, "job": accepted.job.job_id, "replay": False}]


async def test_repetition_gives_the_first_job_and_no_second_hint(world: SyncWorld) -> None:
    """The same key and request is answered with the same job, even after a connection went away."""
    first = await accept(world)
    await world.connect(name="a", status=ConnectionStatus.REVOKED)
    world.clock.advance(timedelta(hours=1))

    second = await accept(world)

    assert second == Acceptance(first.job, is_replay=True)
    assert len(world.queue.sent) == 1


async def test_equal_requests_at_once_make_one_job(world: SyncWorld) -> None:
    """Of equal requests at the same moment all are answered with one job."""
    answers = await asyncio.gather(*(accept(world) for _ in range(8)))

    assert len({answer.job.job_id for answer in answers}) == 1
    assert len([key for key in world.store.items if key.sort.startswith("JOB#")]) == 1


async def test_key_with_another_request_is_refused(world: SyncWorld) -> None:
    """A key that was used for something else changes nothing."""
    first = await accept(world)

    with pytest.raises(IdempotencyKeyReusedError):
        await accept(world, replace(request_of(), priority=Priority.LOW))
    assert await world.stored(first.job) == first.job


async def test_same_key_of_another_user_is_another_job(world: SyncWorld) -> None:
    """Keys of different users never meet: the other user's request is judged on its own."""
    await accept(world)

    with pytest.raises(NotFoundError):
        await accept(world, replace(request_of(), user_id=UserId("usr_2")))


async def test_accepting_does_not_depend_on_the_queue(world: SyncWorld) -> None:
    """A hint that cannot be sent is no failure: the job is found by its due time."""
    world.queue.error = StoreUnavailableError("down")

    accepted = await accept(world)

    assert await world.stored(accepted.job) == accepted.job


async def test_unavailable_store_accepts_nothing(world: SyncWorld) -> None:
    """Without a durable row there is no acceptance and no hint."""
    world.store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await accept(world)
    assert world.queue.sent == []


async def test_new_job_costs_one_write(world: SyncWorld) -> None:
    """The hot road makes a single store write."""
    items, transactions = len(world.store.items), len(world.store.transactions)
    await accept(world)

    assert len(world.store.items) == items + 1
    assert len(world.store.transactions) == transactions


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (request_of("a", "a"), InvalidInputError),
        (replace(request_of(), mode=JobMode.HISTORICAL), InvalidInputError),
        (replace(request_of(), date_range=DateRange(1, 2)), InvalidInputError),
        (request_of(date_range=DateRange(2, 2)), InvalidInputError),
        (request_of(date_range=DateRange(-1, 2)), InvalidInputError),
        (request_of(date_range=DateRange(0, 10**13)), InvalidInputError),
        (replace(request_of(), data_type=DataType.STEPS), UnsupportedPairError),
        (replace(request_of(), source_connection_id=ConnectionId("none")), NotFoundError),
        (replace(request_of(), destination_connection_id=ConnectionId("a#b")), NotFoundError),
    ],
)
async def test_request_that_cannot_be_served(
    world: SyncWorld, request_: JobRequest, error: type[SyncWellError]
) -> None:
    """A request that contradicts itself or the connections is refused before anything is stored."""
    before = dict(world.store.items)

    with pytest.raises(error):
        await accept(world, request_)
    assert world.store.items == before


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (ConnectionStatus.PENDING, ConflictError),
        (ConnectionStatus.NEEDS_REAUTH, ConflictError),
        (ConnectionStatus.REVOKED, NotFoundError),
    ],
)
async def test_connection_that_is_not_active(
    world: SyncWorld, status: ConnectionStatus, error: type[SyncWellError]
) -> None:
    """Only active connections are synced."""
    await world.connect(name="b", status=status)

    with pytest.raises(error):
        await accept(world)


async def test_two_connections_of_one_account_are_no_pair(world: SyncWorld) -> None:
    """An account cannot be synced to itself through a second connection."""
    first = await world.accounts_rows.load_connection(USER, ConnectionId("conn-a"))
    assert first is not None
    await world.accounts_rows.save_connection(replace(first, connection_id=ConnectionId("conn-a2"), version=1))

    with pytest.raises(UnsupportedPairError):
        await accept(world, replace(request_of(), destination_connection_id=ConnectionId("conn-a2")))
