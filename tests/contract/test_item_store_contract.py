"""What every item store keeps to."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from syncwell.domain.errors import ConditionFailedError, InvalidInputError
from syncwell.ports.item_store import (
    ITEM_BYTES_MAX,
    Absent,
    Check,
    Condition,
    Delete,
    Due,
    Exists,
    FenceEquals,
    FenceNotHigher,
    Item,
    ItemStore,
    Key,
    Put,
    VersionEquals,
    Write,
)
from tests.contract.backends import Backend


@pytest.fixture
def items(backend: Backend) -> ItemStore:
    return backend.items


@pytest.fixture
def partition() -> str:
    """A partition of this test alone."""
    return f"USER#{uuid.uuid4()}"


async def test_item_comes_back_as_written(items: ItemStore, partition: str) -> None:
    """Every field of an item survives the store."""
    item = Item(
        Key(partition, "JOB#ü"),
        bytes(range(256)),
        version=3,
        fence=2**62,
        due=Due("PRO#7", -1),
        reauth="FAILED",
        at_ms=0,
        expires_at_ms=1_760_000_000_000,
    )
    await items.transact([Put(item)])

    assert await items.get(item.key) == item


async def test_bare_item_comes_back_bare(items: ItemStore, partition: str) -> None:
    """Unset fields stay unset, also where an earlier item at the key had them."""
    key = Key(partition, "A")
    await items.transact([Put(Item(key, b"x", due=Due("B", 1), reauth="R", at_ms=1, expires_at_ms=1))])
    await items.transact([Put(Item(key, b""))])

    assert await items.get(key) == Item(key, b"")


async def test_nothing_is_none(items: ItemStore, partition: str) -> None:
    """A key without an item reads as None."""
    assert await items.get(Key(partition, "A")) is None


async def test_get_many_returns_what_exists(items: ItemStore, partition: str) -> None:
    """Keys without an item are left out."""
    there = Item(Key(partition, "A"), b"a")
    await items.transact([Put(there)])

    assert await items.get_many([there.key, Key(partition, "B")]) == {there.key: there}


async def test_get_many_is_bounded(items: ItemStore, partition: str) -> None:
    """More than 1,000 keys are refused."""
    with pytest.raises(InvalidInputError):
        await items.get_many([Key(partition, str(number)) for number in range(1_001)])


CONDITIONS = [
    (Absent(), False, True),
    (Absent(expired_before_ms=50), False, True),
    (Absent(expired_before_ms=51), True, True),
    (Exists(), True, False),
    (VersionEquals(3), True, False),
    (VersionEquals(2), False, False),
    (FenceEquals(7), True, False),
    (FenceEquals(6), False, False),
    (FenceNotHigher(7), True, True),
    (FenceNotHigher(6), False, True),
]


@pytest.mark.parametrize(("condition", "holds_on_item", "holds_on_nothing"), CONDITIONS, ids=repr)
async def test_conditions(
    items: ItemStore, partition: str, condition: Condition, holds_on_item: bool, holds_on_nothing: bool
) -> None:
    """Each condition is compared with the stored item, or with nothing, in single writes and transactions."""
    there, nothing = Key(partition, "there"), Key(partition, "nothing")
    await items.transact([Put(Item(there, b"", version=3, fence=7, expires_at_ms=50))])

    checked = [await _is_accepted(items, Check(key, condition)) for key in (there, nothing)]
    written = await items.write_each([Put(Item(there, b"new"), condition), Put(Item(nothing, b"new"), condition)])

    assert checked == [holds_on_item, holds_on_nothing]
    assert written == (holds_on_item, holds_on_nothing)
    assert (await items.get(nothing) is not None) is holds_on_nothing


async def test_item_without_expiry_never_counts_as_expired(items: ItemStore, partition: str) -> None:
    """`Absent(expired_before_ms=...)` is refused by an item that lives for ever."""
    await items.transact([Put(Item(Key(partition, "A"), b""))])

    assert await items.write_each([Put(Item(Key(partition, "A"), b"new"), Absent(2**60))]) == (False,)


async def test_refused_transaction_writes_nothing(items: ItemStore, partition: str) -> None:
    """One refused condition leaves every item as it was; all refused positions are named."""
    old = Item(Key(partition, "A"), b"old")
    await items.transact([Put(old)])

    with pytest.raises(ConditionFailedError) as caught:
        await items.transact(
            [
                Put(Item(old.key, b"new"), Exists()),
                Put(Item(Key(partition, "B"), b""), Exists()),
                Delete(Key(partition, "C")),
                Check(Key(partition, "D"), Exists()),
            ]
        )

    assert caught.value.failed == (1, 3)
    assert (await items.query(partition)).items == (old,)


async def test_conditions_see_the_state_before_the_transaction(items: ItemStore, partition: str) -> None:
    """A check of another key is not helped by a write of the same transaction."""
    await items.transact([Put(Item(Key(partition, "A"), b""), Absent()), Check(Key(partition, "B"), Absent())])

    assert await items.get(Key(partition, "A")) is not None


@pytest.mark.parametrize("kind", ["too many", "a key twice", "too large", "too large together", "no sort key"])
async def test_impossible_transaction_is_refused(items: ItemStore, partition: str, kind: str) -> None:
    """What DynamoDB would refuse is refused before anything is sent."""
    impossible: dict[str, list[Write]] = {
        "too many": [Put(Item(Key(partition, str(number)), b"")) for number in range(101)],
        "a key twice": [Put(Item(Key(partition, "A"), b"")), Delete(Key(partition, "A"))],
        "too large": [Put(Item(Key(partition, "A"), bytes(ITEM_BYTES_MAX + 1)))],
        "too large together": [Put(Item(Key(partition, str(n)), bytes(ITEM_BYTES_MAX))) for n in range(11)],
        "no sort key": [Put(Item(Key(partition, ""), b""))],
    }

    with pytest.raises(InvalidInputError):
        await items.transact(impossible[kind])
    assert (await items.query(partition)).items == ()


async def test_largest_transaction_is_done(items: ItemStore, partition: str) -> None:
    """100 writes, and an item of the full size, go through."""
    await items.transact([Put(Item(Key(partition, f"{number:03}"), bytes(100))) for number in range(99)])
    await items.transact([Put(Item(Key(partition, "large"), bytes(ITEM_BYTES_MAX)))])

    assert len((await items.query(partition, limit=1_000)).items) == 100


async def test_refused_write_leaves_its_neighbours(items: ItemStore, partition: str) -> None:
    """Writes of `write_each` stand alone and happen in order."""
    key = Key(partition, "A")
    done = await items.write_each(
        [
            Put(Item(key, b"1", version=1), Absent()),
            Put(Item(key, b"2", version=2), Absent()),
            Put(Item(key, b"3", version=3), VersionEquals(1)),
            Delete(Key(partition, "nothing")),
        ]
    )

    assert done == (True, False, True, True)
    assert await items.get(key) == Item(key, b"3", version=3)


async def test_nothing_to_write(items: ItemStore) -> None:
    """Empty calls succeed."""
    await items.transact([])

    assert await items.write_each([]) == ()


async def test_pages_follow_the_sort_key(items: ItemStore, partition: str) -> None:
    """Cursors continue where the page ended, in both directions, within the prefix."""
    names = [f"JOB#{number:02}" for number in range(7)]
    await items.write_each([Put(Item(Key(partition, name), b"")) for name in [*names, "JOA#", "JOC#", "JOB"]])

    for is_descending in (False, True):
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await items.query(partition, sort_prefix="JOB#", limit=3, cursor=cursor, is_descending=is_descending)
            found += [item.key.sort for item in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == sorted(names, reverse=is_descending)


async def test_exactly_full_page_is_the_last(items: ItemStore, partition: str) -> None:
    """No cursor leads to an empty page."""
    await items.write_each([Put(Item(Key(partition, name), b"")) for name in "ab"])

    assert (await items.query(partition, limit=2)).cursor is None


async def test_prefix_covers_every_character(items: ItemStore, partition: str) -> None:
    """A prefix finds keys that continue with any character, and no others."""
    inside = ["a", "a#", "az", "a\U0010ffff", "a\ud7ff", "a\ue000"]
    await items.write_each([Put(Item(Key(partition, name), b"")) for name in [*inside, "b", "`", "A"]])

    page = await items.query(partition, sort_prefix="a")

    assert [item.key.sort for item in page.items] == sorted(inside)


@pytest.mark.parametrize("cursor", ["", "x", "bm8", "WzFd", "W10="])
async def test_foreign_cursor_is_refused(items: ItemStore, partition: str, cursor: str) -> None:
    """A cursor that this query did not give is an invalid input, not a wrong page."""
    with pytest.raises(InvalidInputError):
        await items.query(partition, cursor=cursor)


async def test_partitions_are_apart(items: ItemStore, partition: str) -> None:
    """A query sees its own partition only."""
    await items.transact([Put(Item(Key(partition, "A"), b"")), Put(Item(Key(partition + "x", "A"), b""))])

    assert [item.key.partition for item in (await items.query(partition)).items] == [partition]


async def test_time_index_is_newest_first(items: ItemStore, partition: str) -> None:
    """Items with a time come newest first, page by page; items without one never."""
    times = [("JOB#a", 5), ("JOB#b", 9), ("JOB#c", 5), ("X#d", 7), ("JOB#e", None)]
    await items.write_each([Put(Item(Key(partition, name), b"", at_ms=at_ms)) for name, at_ms in times])

    first = await items.query_by_time(partition, sort_prefix="JOB#", limit=2)
    rest = await items.query_by_time(partition, sort_prefix="JOB#", limit=2, cursor=first.cursor)

    assert [item.key.sort for item in first.items + rest.items] == ["JOB#b", "JOB#c", "JOB#a"]
    assert rest.cursor is None


async def test_due_index_is_earliest_first(items: ItemStore, partition: str) -> None:
    """A bucket gives what is due, earliest first, page by page; a rewritten item moves."""
    bucket = f"PRO#{partition}"
    dues = [("a", 30), ("b", 10), ("c", 20), ("d", 31), ("e", 20)]
    await items.write_each([Put(Item(Key(partition, name), b"", due=Due(bucket, at_ms))) for name, at_ms in dues])
    await items.write_each([Put(Item(Key(partition, "b"), b"", due=Due(bucket, 25)))])

    first = await items.query_due(bucket, until_ms=30, limit=2)
    rest = await items.query_due(bucket, until_ms=30, limit=2, cursor=first.cursor)

    assert [item.key.sort for item in first.items + rest.items] == ["c", "e", "b", "a"]
    assert rest.cursor is None


async def test_item_leaves_the_indexes(items: ItemStore, partition: str) -> None:
    """An item written without index fields, or deleted, is no longer found by them."""
    bucket = status = f"S#{partition}"
    stays = Item(Key(partition, "stays"), b"", due=Due(bucket, 1), reauth=status, at_ms=1)
    await items.write_each([Put(Item(Key(partition, name), b"", 1, 0, stays.due, status, 1)) for name in "ab"])
    await items.write_each([Put(stays), Put(Item(Key(partition, "a"), b"")), Delete(Key(partition, "b"))])

    assert (await items.query_due(bucket, until_ms=1)).items == (stays,)
    assert (await items.query_reauth(status)).items == (stays,)
    assert (await items.query_by_time(partition)).items == (stays,)


async def test_reauth_index_pages(items: ItemStore, partition: str) -> None:
    """The re-authentication index is paged over all partitions."""
    status = f"S#{partition}"
    keys = [Key(f"{partition}#{number}", "CONN") for number in range(5)]
    await items.write_each([Put(Item(key, b"", reauth=status)) for key in keys])

    first = await items.query_reauth(status, limit=3)
    rest = await items.query_reauth(status, limit=3, cursor=first.cursor)

    assert sorted(item.key.partition for item in first.items + rest.items) == [key.partition for key in keys]


@pytest.mark.parametrize("limit", [0, -1, 1_001])
async def test_page_size_is_bounded(items: ItemStore, partition: str, limit: int) -> None:
    """A page holds 1 to 1,000 items."""
    with pytest.raises(InvalidInputError):
        await items.query(partition, limit=limit)


async def test_own_acknowledged_write_is_read(items: ItemStore, partition: str) -> None:
    """A read that starts after a write returned sees it, also among many concurrent writers."""

    async def write_and_read(number: int) -> None:
        key = Key(partition, str(number))
        for version in range(1, 11):
            await items.write_each([Put(Item(key, b"", version=version))])
            found = await items.get(key)
            assert found is not None
            assert found.version == version

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(write_and_read(number))


async def test_no_update_is_lost(items: ItemStore, partition: str) -> None:
    """Concurrent increments under version conditions all count."""
    key = Key(partition, "counter")
    await items.transact([Put(Item(key, b"0"))])

    async def increment() -> None:
        for _ in range(5):
            while True:
                found = await items.get(key)
                assert found is not None
                changed = Item(key, str(int(found.body) + 1).encode(), version=found.version + 1)
                if (await items.write_each([Put(changed, VersionEquals(found.version))]))[0]:
                    break

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(increment())

    found = await items.get(key)
    assert found is not None
    assert (found.body, found.version) == (b"50", 51)


async def _is_accepted(items: ItemStore, check: Check) -> bool:
    try:
        await items.transact([check])
    except ConditionFailedError:
        return False
    return True
