"""One run for each key, whatever happens around it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from syncwell.domain.errors import (
    IdempotencyKeyReusedError,
    NotFoundError,
    OutcomeUnknownError,
    RequestInProgressError,
    StoreUnavailableError,
    SyncWellError,
)
from syncwell.domain.records import UserId
from syncwell.repositories.answers import Answers, RequestKey, StoredAnswer
from syncwell.usecases.remember_answer import LEASE, RememberAnswer
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.item_store import DictItemStore

REQUEST = RequestKey(UserId("usr_robin"), "createSyncConfig", "7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11", "digest")


class Work:
    """Counts its runs; waits for `may_go`, fails with `failure`."""

    def __init__(self) -> None:
        self.runs = 0
        self.failure: BaseException | None = None
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self) -> StoredAnswer:
        self.runs += 1
        await self.may_go.wait()
        if self.failure is not None:
            raise self.failure
        return StoredAnswer(201, "application/json", b'{"run":%d}' % self.runs)


@pytest.fixture
def store() -> DictItemStore:
    return DictItemStore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def remember(store: DictItemStore, clock: FakeClock) -> RememberAnswer:
    fences = count(1)
    return RememberAnswer(Answers(store, clock), lambda: next(fences))


async def test_second_request_gets_the_first_answer(remember: RememberAnswer) -> None:
    """The work runs once; its answer is given twice, the second time as a replay."""
    work = Work()

    first = await remember.run(REQUEST, work)
    second = await remember.run(REQUEST, work)

    assert (first.is_replay, second.is_replay) == (False, True)
    assert first.answer == second.answer
    assert work.runs == 1


async def test_other_request_under_the_key_is_refused(remember: RememberAnswer) -> None:
    """The same key with another fingerprint is refused, while the first runs and afterwards."""
    work = Work()
    work.may_go.clear()
    other = replace(REQUEST, fingerprint="other")
    running = asyncio.create_task(remember.run(REQUEST, work))
    await asyncio.sleep(0.001)

    with pytest.raises(IdempotencyKeyReusedError):
        await remember.run(other, work)
    work.may_go.set()
    await running
    with pytest.raises(IdempotencyKeyReusedError):
        await remember.run(other, work)
    assert work.runs == 1


@pytest.mark.parametrize(
    "changed",
    [
        replace(REQUEST, user_id=UserId("usr_kim")),
        replace(REQUEST, route="deleteConnection"),
        replace(REQUEST, idempotency_key="7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b12"),
    ],
)
async def test_user_route_and_key_tell_requests_apart(remember: RememberAnswer, changed: RequestKey) -> None:
    """Another user, route or key is another request."""
    work = Work()
    await remember.run(REQUEST, work)

    assert not (await remember.run(changed, work)).is_replay
    assert work.runs == 2


async def test_equal_requests_at_once_run_once(remember: RememberAnswer) -> None:
    """Of ten at the same moment one runs; the others are told to wait."""
    work = Work()
    work.may_go.clear()
    tasks = [asyncio.create_task(remember.run(REQUEST, work)) for _ in range(10)]
    await asyncio.sleep(0.005)
    work.may_go.set()

    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert work.runs == 1
    assert sum(isinstance(result, RequestInProgressError) for result in results) == 9


async def test_failure_releases_the_key(remember: RememberAnswer) -> None:
    """After a failure the same key runs again at once."""
    work = Work()
    work.failure = NotFoundError("there is no such connection")
    with pytest.raises(NotFoundError):
        await remember.run(REQUEST, work)
    work.failure = None

    outcome = await remember.run(REQUEST, work)

    assert (outcome.is_replay, work.runs) == (False, 2)


async def test_cancelled_request_releases_the_key(remember: RememberAnswer) -> None:
    """A request that ran out of time leaves its key free."""
    work = Work()
    work.may_go.clear()
    running = asyncio.create_task(remember.run(REQUEST, work))
    await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    work.may_go.set()

    assert not (await remember.run(REQUEST, work)).is_replay


async def test_dead_holder_blocks_the_key_no_longer_than_its_lease(
    remember: RememberAnswer, store: DictItemStore, clock: FakeClock
) -> None:
    """Whoever died with the key in hand loses it when the lease ends."""
    work = Work()
    await Answers(store, clock).claim(REQUEST, fence=999, lease=LEASE)
    with pytest.raises(RequestInProgressError):
        await remember.run(REQUEST, work)
    clock.advance(LEASE + timedelta(milliseconds=1))

    assert not (await remember.run(REQUEST, work)).is_replay


@pytest.mark.parametrize("failure", [StoreUnavailableError("down"), OutcomeUnknownError("lost")])
async def test_answer_that_cannot_be_kept_is_still_given(
    remember: RememberAnswer, store: DictItemStore, failure: SyncWellError
) -> None:
    """The work is done, so its caller hears of it, even where the store then fails."""

    async def work() -> StoredAnswer:
        store.fail_next(failure)
        return StoredAnswer(204, "", b"")

    assert (await remember.run(REQUEST, work)).answer.status == 204


async def test_failure_of_the_release_hides_nothing(remember: RememberAnswer, store: DictItemStore) -> None:
    """The work's own error reaches the caller, whatever the store says to the release."""

    async def work() -> StoredAnswer:
        store.fail_next(StoreUnavailableError("down"))
        raise NotFoundError("there is no such connection")

    with pytest.raises(NotFoundError):
        await remember.run(REQUEST, work)


async def test_nothing_runs_without_the_store(remember: RememberAnswer, store: DictItemStore) -> None:
    """While the store is down a request is refused before its work begins."""
    work = Work()
    store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await remember.run(REQUEST, work)
    assert work.runs == 0
