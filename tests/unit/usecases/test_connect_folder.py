"""From nothing to a folder that is connected."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import OutcomeUnknownError, ProviderUnavailableError, StoreUnavailableError
from syncwell.domain.records import UserId
from syncwell.ports.history import Op
from syncwell.ports.item_store import ItemStore, Write
from syncwell.repositories.accounts import Accounts
from syncwell.usecases.connect_folder import ConnectFolder
from tests.unit.fakes.clock import START_MS, FakeClock
from tests.unit.fakes.history import MemoryHistory
from tests.unit.fakes.item_store import DictItemStore

USER = UserId("usr_1")


class LosingStore(DictItemStore):
    """Loses the answer to every transaction, which was done where `is_done`."""

    def __init__(self, *, is_done: bool) -> None:
        super().__init__()
        self._is_done = is_done

    async def transact(self, writes: Sequence[Write]) -> None:
        if self._is_done:
            await super().transact(writes)
        raise OutcomeUnknownError("the answer was lost")


class Bench:
    """The use case, and the folders that it made."""

    def __init__(self, items: ItemStore | None = None) -> None:
        self.items = items or DictItemStore()
        self.made: list[str] = []
        self.error: Exception | None = None
        self.history = MemoryHistory()
        self.connect = ConnectFolder(
            self.items,
            provider="files",
            make_folder=self._make,
            clock=FakeClock(),
            random_bytes=Random(1).randbytes,
            history=self.history,
        )

    def _make(self, account: str) -> None:
        if self.error is not None:
            raise self.error
        self.made.append(account)


async def test_new_connection_is_active_and_owned() -> None:
    """The folder exists, the connection may be synced at once, and the account belongs to its person."""
    bench = Bench()

    made = await bench.connect.run(USER)

    assert (made.provider, made.status, made.created_at_ms) == ("files", ConnectionStatus.ACTIVE, START_MS)
    assert bench.made == [made.external_user_id]
    accounts = Accounts(bench.items)
    assert await accounts.load_connections(USER) == (made,)
    owner = await accounts.load_owner("files", made.external_user_id)
    assert owner is not None
    assert (owner.user_id, owner.connection_id) == (USER, made.connection_id)
    assert bench.history.ops("connection.link") == [Op.INVOKE, Op.OK]


async def test_no_two_connections_share_a_folder() -> None:
    """Every call makes another connection with another folder, also for the same person."""
    bench = Bench()

    made = [await bench.connect.run(user) for user in (USER, USER, UserId("usr_2"))]

    assert len({one.external_user_id for one in made}) == len({one.connection_id for one in made}) == 3
    assert bench.made == [one.external_user_id for one in made]
    assert {one.external_user_id for one in await Accounts(bench.items).load_connections(USER)} == set(bench.made[:2])


async def test_without_a_folder_there_is_no_connection() -> None:
    """A disk that refuses leaves nothing behind that would be synced."""
    bench = Bench()
    bench.error = ProviderUnavailableError("disk full", provider="files")

    with pytest.raises(ProviderUnavailableError):
        await bench.connect.run(USER)
    assert await Accounts(bench.items).load_connections(USER) == ()
    assert bench.history.ops("connection.link") == [Op.INVOKE, Op.FAIL]


async def test_lost_answer_is_read_back() -> None:
    """Where the store's answer was lost the connection is told if it is there, and the doubt if it is not."""
    there, absent = Bench(LosingStore(is_done=True)), Bench(LosingStore(is_done=False))

    assert (await there.connect.run(USER),) == await Accounts(there.items).load_connections(USER)
    with pytest.raises(OutcomeUnknownError):
        await absent.connect.run(USER)


async def test_store_that_is_away_is_told() -> None:
    """Nothing pretends to be connected while the store cannot be reached."""

    class AwayStore(DictItemStore):
        async def transact(self, writes: Sequence[Write]) -> None:
            raise StoreUnavailableError("away")

    with pytest.raises(StoreUnavailableError):
        await Bench(AwayStore()).connect.run(USER)
