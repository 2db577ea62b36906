"""From an identity to a user."""

from __future__ import annotations

import asyncio
from itertools import count

from syncwell.domain.profiles import Tier
from syncwell.domain.records import UserId
from syncwell.repositories.identities import Identities
from syncwell.usecases.recognise_user import RecogniseUser
from tests.unit.fakes.clock import START_MS, FakeClock
from tests.unit.fakes.item_store import DictItemStore


def make(store: DictItemStore) -> RecogniseUser:
    numbers = count(1)
    return RecogniseUser(Identities(store), FakeClock(), lambda: UserId(f"usr_{next(numbers)}"))


async def test_newcomer_begins_free() -> None:
    """The first valid token makes a FREE profile, the second finds the same user."""
    store = DictItemStore()
    recognise = make(store)

    first = await recognise(issuer="https://issuer.example", subject="robin")
    second = await recognise(issuer="https://issuer.example", subject="robin")
    profile = await Identities(store).load_profile(first)

    assert first == second
    assert profile is not None
    assert (profile.tier, profile.created_at_ms) == (Tier.FREE, START_MS)


async def test_equal_subjects_of_two_issuers_are_two_people() -> None:
    """Who somebody is at another issuer is never guessed."""
    recognise = make(DictItemStore())

    one = await recognise(issuer="https://one.example", subject="robin")
    two = await recognise(issuer="https://two.example", subject="robin")

    assert one != two


async def test_many_first_requests_make_one_user() -> None:
    """A phone that sends ten first requests at once is one person."""
    recognise = make(DictItemStore())

    users = await asyncio.gather(*(recognise(issuer="https://issuer.example", subject="robin") for _ in range(10)))

    assert len(set(users)) == 1
