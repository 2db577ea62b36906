"""Identities are linked to users once and for ever."""

from __future__ import annotations

import asyncio

import pytest

from syncwell.domain.errors import OutcomeUnknownError, StoreUnavailableError
from syncwell.domain.profiles import Profile, Tier
from syncwell.domain.records import UserId
from syncwell.repositories.identities import Identities
from tests.unit.fakes.item_store import DictItemStore

ISSUER = "https://issuer.example/with#odd characters"


def newcomer(name: str) -> Profile:
    return Profile(UserId(f"usr_{name}"), Tier.FREE, created_at_ms=1)


async def test_link_stores_user_and_profile() -> None:
    """A linked identity is found again, with the profile it began with."""
    identities = Identities(DictItemStore())

    user_id = await identities.link(ISSUER, "robin", newcomer("a"))

    assert user_id == await identities.load_user(ISSUER, "robin") == "usr_a"
    assert await identities.load_profile(user_id) == newcomer("a")
    assert await identities.load_user(ISSUER, "kim") is None


async def test_two_first_requests_make_one_user() -> None:
    """Of two links at the same moment one holds, and both callers learn whose it is."""
    store = DictItemStore()
    identities = Identities(store)

    users = await asyncio.gather(*(identities.link(ISSUER, "robin", newcomer(name)) for name in "abc"))

    assert len(set(users)) == 1
    assert await identities.load_user(ISSUER, "robin") == users[0]
    assert len(store.items) == 2


async def test_lost_answer_is_read_back() -> None:
    """A link whose answer was lost is found as it was written."""
    store = DictItemStore()
    store.fail_next(OutcomeUnknownError("the answer was lost"))

    assert await Identities(store).link(ISSUER, "robin", newcomer("a")) == "usr_a"


async def test_store_that_is_down_makes_no_user() -> None:
    """Without the store nobody becomes known."""
    store = DictItemStore()
    store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await Identities(store).link(ISSUER, "robin", newcomer("a"))
    assert store.items == {}
