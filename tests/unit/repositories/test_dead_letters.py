"""Dead letters are listed by class, oldest first, in pages."""

from __future__ import annotations

import pytest

from syncwell.domain.dead_letters import Cause, DeadLetter
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.jobs import JobId
from syncwell.domain.records import UserId
from syncwell.ports.job_queue import JobClass
from syncwell.repositories.dead_letters import DeadLetters
from tests.unit.fakes.item_store import DictItemStore


def letter(number: int, job_class: JobClass) -> DeadLetter:
    cause = Cause("KeyError", "internal", "write")
    return DeadLetter(JobId(f"job_{number}"), UserId("usr_1"), job_class, cause, number, 5, 0)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
async def test_pages_together_are_everything_once(size: int) -> None:
    """Whatever the page size, each letter of every class comes once, oldest first within its class."""
    store = DictItemStore()
    stored = [letter(n, each) for n, each in enumerate([*JobClass, JobClass.BULK, JobClass.INTERACTIVE, JobClass.BULK])]
    await store.transact([DeadLetters.entry(each) for each in stored])

    found: list[DeadLetter] = []
    cursor: str | None = None
    for _ in range(20):
        page = await DeadLetters(store).list_page(None, limit=size, cursor=cursor)
        assert len(page.letters) <= size
        found += page.letters
        cursor = page.cursor
        if cursor is None:
            break

    assert found == [each for one in JobClass for each in stored if each.job_class == one]


@pytest.mark.parametrize("cursor", ["", "x", "x:1", "bulk"])
async def test_foreign_cursor_is_refused(cursor: str) -> None:
    """A cursor that is not one of ours is the caller's mistake."""
    with pytest.raises(InvalidInputError):
        await DeadLetters(DictItemStore()).list_page(None, limit=10, cursor=cursor)
