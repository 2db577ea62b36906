"""Claims and remembered answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncwell.domain.errors import OutcomeUnknownError, StoreUnavailableError
from syncwell.domain.records import UserId
from syncwell.repositories.answers import ANSWER_LIFE, Answers, RequestKey, StoredAnswer
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.item_store import DictItemStore

LEASE = timedelta(seconds=30)
REQUEST = RequestKey(UserId("usr_robin"), "createSyncConfig", "7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11", "digest")
ANSWER = StoredAnswer(201, "application/json", b'{"a":1}')


@pytest.fixture
def store() -> DictItemStore:
    return DictItemStore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def answers(store: DictItemStore, clock: FakeClock) -> Answers:
    return Answers(store, clock)


async def test_claim_excludes_others_until_its_lease_ends(answers: Answers, clock: FakeClock) -> None:
    """A live claim is granted to nobody else; a dead one is."""
    assert await answers.claim(REQUEST, fence=1, lease=LEASE) is not None
    clock.advance(LEASE - timedelta(milliseconds=1))
    assert await answers.claim(REQUEST, fence=2, lease=LEASE) is None
    clock.advance(timedelta(milliseconds=1))

    assert await answers.claim(REQUEST, fence=3, lease=LEASE) is not None


async def test_completed_answer_is_found_for_a_day(answers: Answers, clock: FakeClock) -> None:
    """The answer is found with its fingerprint until its day is over, whatever the store still holds."""
    claim = await answers.claim(REQUEST, fence=1, lease=LEASE)
    assert claim is not None
    assert await answers.complete(claim, ANSWER)
    clock.advance(ANSWER_LIFE - timedelta(milliseconds=1))

    found = await answers.find(REQUEST)

    assert found is not None
    assert (found.fingerprint, found.answer) == ("digest", ANSWER)
    clock.advance(timedelta(milliseconds=1))
    assert await answers.find(REQUEST) is None
    assert await answers.claim(REQUEST, fence=2, lease=LEASE) is not None


async def test_running_request_has_no_answer_yet(answers: Answers) -> None:
    """A claim is found without an answer."""
    await answers.claim(REQUEST, fence=1, lease=LEASE)

    found = await answers.find(REQUEST)

    assert found is not None
    assert found.answer is None


async def test_released_claim_may_be_taken_at_once(answers: Answers) -> None:
    """After a release the same request runs again."""
    claim = await answers.claim(REQUEST, fence=1, lease=LEASE)
    assert claim is not None

    await answers.release(claim)

    assert await answers.find(REQUEST) is None
    assert await answers.claim(REQUEST, fence=2, lease=LEASE) is not None


async def test_holder_who_lost_its_claim_changes_nothing(answers: Answers, clock: FakeClock) -> None:
    """Whoever comes back after its lease neither completes nor releases its successor's claim."""
    late = await answers.claim(REQUEST, fence=1, lease=LEASE)
    assert late is not None
    clock.advance(LEASE)
    await answers.claim(REQUEST, fence=2, lease=LEASE)

    assert not await answers.complete(late, ANSWER)
    await answers.release(late)

    found = await answers.find(REQUEST)
    assert found is not None
    assert found.answer is None


async def test_lost_answer_to_a_claim_is_read_back(answers: Answers, store: DictItemStore) -> None:
    """A claim that was written although its answer was lost is held."""
    store.fail_next(OutcomeUnknownError("the answer was lost"))

    assert await answers.claim(REQUEST, fence=1, lease=LEASE) is not None


async def test_store_that_is_down_grants_nothing(answers: Answers, store: DictItemStore) -> None:
    """Without the store there is no claim and no answer."""
    store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await answers.claim(REQUEST, fence=1, lease=LEASE)
    assert await answers.find(REQUEST) is None
