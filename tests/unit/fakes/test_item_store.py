"""The fake store keeps the port's rules, so that tests on it mean something."""

from __future__ import annotations

import pytest

from syncwell.domain.errors import ConditionFailedError, InvalidInputError, OutcomeUnknownError, StoreUnavailableError
from syncwell.ports.item_store import (
    Absent,
    Check,
    Condition,
    Delete,
    Due,
    Exists,
    FenceEquals,
    FenceNotHigher,
    Item,
    Key,
    Put,
    VersionEquals,
)
from tests.unit.fakes.item_store import DictItemStore

KEY = Key("USER#u", "CONN#c")
OTHER = Key("USER#u", "CONN#d")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Absent(), False),
        (Absent(expired_before_ms=50), False),
        (Absent(expired_before_ms=51), True),
        (Exists(), True),
        (VersionEquals(3), True),
        (VersionEquals(2), False),
        (FenceEquals(7), True),
        (FenceEquals(6), False),
        (FenceNotHigher(7), True),
        (FenceNotHigher(6), False),
    ],
)
async def test_condition_on_an_item(condition: Condition, holds: bool) -> None:
    """Each condition looks at the stored item."""
    store = DictItemStore()
    await store.transact([Put(Item(KEY, b"a", version=3, fence=7, expires_at_ms=50))])

    assert await store.write_each([Delete(KEY, condition)]) == (holds,)
    assert (KEY in store.items) is not holds


async def test_transaction_is_all_or_nothing() -> None:
    """One refused condition leaves every item as it was and names its place."""
    store = DictItemStore()

    with pytest.raises(ConditionFailedError) as caught:
        await store.transact([Put(Item(KEY, b"a")), Check(OTHER, Exists())])

    assert caught.value.failed == (1,)
    assert store.items == {}


async def test_key_twice_is_refused() -> None:
    """A transaction may name a key once."""
    with pytest.raises(InvalidInputError):
        await DictItemStore().transact([Put(Item(KEY, b"a")), Delete(KEY)])


async def test_planned_failures() -> None:
    """A lost answer comes after the write, an unavailable store before it."""
    store = DictItemStore()
    store.fail_next(StoreUnavailableError("down"), OutcomeUnknownError("lost"))

    with pytest.raises(StoreUnavailableError):
        await store.transact([Put(Item(KEY, b"a"))])
    assert store.items == {}
    with pytest.raises(OutcomeUnknownError):
        await store.transact([Put(Item(KEY, b"a"))])
    assert store.items[KEY].body == b"a"


async def test_pages_follow_the_sort_key() -> None:
    """A cursor continues where the page ended, in either direction."""
    store = DictItemStore()
    await store.write_each([Put(Item(Key("P", f"S#{n}"), b"")) for n in range(5)])

    first = await store.query("P", sort_prefix="S#", limit=3)
    last = await store.query("P", sort_prefix="S#", limit=3, cursor=first.cursor)
    backwards = await store.query("P", limit=1, is_descending=True)

    assert [item.key.sort for item in first.items + last.items] == [f"S#{n}" for n in range(5)]
    assert last.cursor is None
    assert backwards.items[0].key.sort == "S#4"


async def test_sparse_indexes_hold_what_entered_them() -> None:
    """Due, re-authentication and time indexes return only items that carry their attribute."""
    store = DictItemStore()
    await store.write_each(
        [
            Put(Item(Key("P", "a"), b"", due=Due("B", 20), at_ms=1)),
            Put(Item(Key("P", "b"), b"", due=Due("B", 10), at_ms=2, reauth="failed")),
            Put(Item(Key("P", "c"), b"")),
        ]
    )

    due = await store.query_due("B", until_ms=20)
    early = await store.query_due("B", until_ms=19)
    reauth = await store.query_reauth("failed")
    by_time = await store.query_by_time("P")

    assert [item.key.sort for item in due.items] == ["b", "a"]
    assert [item.key.sort for item in early.items] == ["b"]
    assert [item.key.sort for item in reauth.items] == ["b"]
    assert [item.key.sort for item in by_time.items] == ["b", "a"]
