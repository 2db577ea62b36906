"""The embedded item store against a dictionary, under any sequence of calls."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedItemStore
from syncwell.domain.errors import ConditionFailedError
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
    Page,
    Put,
    VersionEquals,
    Write,
)
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.item_store import DictItemStore

T = TypeVar("T")

SMALL = st.integers(0, 3)
KEYS = st.builds(Key, st.sampled_from(["P", "Q"]), st.sampled_from(["a", "ab", "b", "ä", "a\U0010ffff"]))
ITEMS = st.builds(
    Item,
    KEYS,
    st.binary(max_size=2),
    SMALL,
    SMALL,
    st.none() | st.builds(Due, st.sampled_from(["B", "C"]), SMALL),
    st.none() | st.sampled_from(["R", "S"]),
    st.none() | SMALL,
    st.none() | SMALL,
)
CONDITIONS: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Absent, st.none() | SMALL),
    st.just(Exists()),
    st.builds(VersionEquals, SMALL),
    st.builds(FenceEquals, SMALL),
    st.builds(FenceNotHigher, SMALL),
)
CHANGES = st.builds(Put, ITEMS, st.none() | CONDITIONS) | st.builds(Delete, KEYS, st.none() | CONDITIONS)
WRITES = CHANGES | st.builds(Check, KEYS, CONDITIONS)
PAGE = 2


def key_of(write: Write) -> Key:
    return write.item.key if isinstance(write, Put) else write.key


class ItemMachine(RuleBasedStateMachine):
    """Does the same to both stores and compares every answer and every index."""

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.model = DictItemStore()
        self.stack = AsyncExitStack()
        self.items = self.run_async(self._open())

    @rule(writes=st.lists(WRITES, max_size=4, unique_by=key_of))
    def transact(self, writes: list[Write]) -> None:
        assert self._transact(self.items, writes) == self._transact(self.model, writes)

    @rule(writes=st.lists(CHANGES, max_size=4))
    def write_each(self, writes: list[Put | Delete]) -> None:
        done = self.run_async(self.items.write_each(writes))
        assert done == self.run_async(self.model.write_each(writes))

    @rule()
    def reopen(self) -> None:
        self.run_async(self.stack.aclose())
        self.items = self.run_async(self._open())

    @invariant()
    def all_is_equal(self) -> None:
        if not hasattr(self, "items"):
            return
        keys = list(self.model.items)
        assert self.run_async(self.items.get_many(keys)) == self.model.items
        for partition in ("P", "Q"):
            for prefix in ("", "a"):
                self._compare("query", partition, sort_prefix=prefix)
                self._compare("query", partition, sort_prefix=prefix, is_descending=True)
                self._compare("query_by_time", partition, sort_prefix=prefix)
        for bucket in ("B", "C"):
            assert self._pages(self.items, "query_due", bucket, until_ms=2) == sorted(
                self._pages(self.model, "query_due", bucket, until_ms=2), key=_due_order
            )
        for status in ("R", "S"):
            self._compare("query_reauth", status)

    def teardown(self) -> None:
        if hasattr(self, "items"):
            self.run_async(self.stack.aclose())
            self.runner.close()
            self.folder.cleanup()

    def run_async(self, work: Coroutine[object, object, T]) -> T:
        return self.runner.run(work)

    async def _open(self) -> EmbeddedItemStore:
        clock = FakeClock()
        engine = await self.stack.enter_async_context(Engine(Path(self.folder.name) / "store.db", clock))
        transport = InProcessTransport(engine, clock)
        self.stack.callback(transport.close)
        items = EmbeddedItemStore(transport)
        self.stack.callback(items.close)
        return items

    def _transact(self, store: EmbeddedItemStore | DictItemStore, writes: list[Write]) -> tuple[int, ...]:
        try:
            self.run_async(store.transact(writes))
        except ConditionFailedError as refused:
            return refused.failed
        return ()

    def _compare(self, query: str, name: str, **options: object) -> None:
        assert self._pages(self.items, query, name, **options) == self._pages(self.model, query, name, **options)

    def _pages(self, store: EmbeddedItemStore | DictItemStore, query: str, name: str, **options: object) -> list[Item]:
        found: list[Item] = []
        cursor: str | None = None
        while True:
            page: Page = self.run_async(getattr(store, query)(name, limit=PAGE, cursor=cursor, **options))
            assert len(page.items) <= PAGE
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found


def _due_order(item: Item) -> tuple[int, str, str]:
    # The port orders by time only; ties are settled by key here, so that pages can be compared.
    assert item.due is not None
    return item.due.at_ms, item.key.partition, item.key.sort


TestItemMachine = ItemMachine.TestCase
TestItemMachine.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
