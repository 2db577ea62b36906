"""Connections, owners and configs as rows."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from syncwell.domain.connections import Connection, ConnectionStatus, SyncConfig
from syncwell.domain.errors import OutcomeUnknownError, VersionConflictError
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.domain.resolution import Strategy
from syncwell.ports.item_store import Item, Put
from syncwell.repositories import keys
from syncwell.repositories.accounts import REAUTH_PENDING, Accounts, ExternalOwner, owner_delete, owner_put
from tests.unit.fakes.item_store import DictItemStore

USER = UserId("usr_1")
CONNECTION = Connection(
    ConnectionId("conn_1"), USER, "strava", "77", "Ann", ConnectionStatus.ACTIVE, 3, 1, 1_000, ("read", "write")
)
CONFIG = SyncConfig(
    USER, ConnectionId("conn_1"), ConnectionId("conn_2"), DataType.WORKOUT, Strategy.NEWEST_WINS, True, False, 1
)


@pytest.fixture
def store() -> DictItemStore:
    return DictItemStore()


@pytest.fixture
def accounts(store: DictItemStore) -> Accounts:
    return Accounts(store)


async def test_connection_reads_back(accounts: Accounts) -> None:
    """What was written is what is read, field for field."""
    await accounts.save_connection(CONNECTION)

    assert await accounts.load_connection(USER, CONNECTION.connection_id) == CONNECTION


@pytest.mark.parametrize("connection_id", ["conn_9", "", "a#b", "conn_1#x"])
async def test_foreign_connection_id_finds_nothing(accounts: Accounts, connection_id: str) -> None:
    """Ids that are unknown or can be no id of ours are simply not there."""
    await accounts.save_connection(CONNECTION)

    assert await accounts.load_connection(USER, ConnectionId(connection_id)) is None


async def test_other_user_sees_nothing(accounts: Accounts) -> None:
    """A connection is found under its own user only."""
    await accounts.save_connection(CONNECTION)

    assert await accounts.load_connection(UserId("usr_2"), CONNECTION.connection_id) is None
    assert await accounts.load_connections(UserId("usr_2")) == ()


async def test_second_writer_of_one_version_loses(accounts: Accounts) -> None:
    """Of two changes made from the same reading one is refused."""
    await accounts.save_connection(CONNECTION)
    await accounts.save_connection(replace(CONNECTION, version=2, display_name="B"))

    with pytest.raises(VersionConflictError):
        await accounts.save_connection(replace(CONNECTION, version=2, display_name="C"))


async def test_reauth_index_is_sparse(accounts: Accounts, store: DictItemStore) -> None:
    """Only a connection that needs its person stands in the re-authentication index."""
    await accounts.save_connection(CONNECTION)
    assert (await store.query_reauth(REAUTH_PENDING)).items == ()

    await accounts.save_connection(replace(CONNECTION, version=2, status=ConnectionStatus.NEEDS_REAUTH))
    assert len((await store.query_reauth(REAUTH_PENDING)).items) == 1

    await accounts.save_connection(replace(CONNECTION, version=3))
    assert (await store.query_reauth(REAUTH_PENDING)).items == ()


async def test_lists_every_page_oldest_first(accounts: Accounts) -> None:
    """A person with more connections than a page sees them all in order of age."""
    for number in range(130):
        await accounts.save_connection(
            replace(CONNECTION, connection_id=ConnectionId(f"conn_{number}"), created_at_ms=1_000 - number)
        )

    found = await accounts.load_connections(USER)

    assert [each.created_at_ms for each in found] == list(range(871, 1_001))


async def test_lost_answer_is_read_back(accounts: Accounts, store: DictItemStore) -> None:
    """A write whose answer was lost counts when the row shows it."""
    store.fail_next(OutcomeUnknownError("lost"))

    await accounts.save_connection(CONNECTION)

    assert await accounts.load_connection(USER, CONNECTION.connection_id) == CONNECTION


async def test_unknown_fields_are_tolerated(accounts: Accounts, store: DictItemStore) -> None:
    """A row that a newer release wrote is read without its new fields."""
    await accounts.save_connection(CONNECTION)
    key = keys.connection(USER, CONNECTION.connection_id)
    body = msgspec.msgpack.decode(store.items[key].body) | {"colour": "red"}
    await store.transact([Put(Item(key, msgspec.msgpack.encode(body), version=4))])

    assert await accounts.load_connection(USER, CONNECTION.connection_id) == replace(CONNECTION, version=4)


async def test_config_life(accounts: Accounts) -> None:
    """A config is made once, changed under its version, found by its id and removed as it was read."""
    await accounts.save_config(CONFIG)
    with pytest.raises(VersionConflictError):
        await accounts.save_config(CONFIG)
    changed = replace(CONFIG, version=2, is_enabled=False)
    await accounts.save_config(changed)

    assert await accounts.load_config(USER, CONFIG.config_id) == changed
    with pytest.raises(VersionConflictError):
        await accounts.delete_config(CONFIG)
    await accounts.delete_config(changed)
    assert await accounts.load_configs(USER) == ()


@pytest.mark.parametrize("config_id", ["", "--", "conn_1--conn_2--mood", "conn_1--conn_2", "a#--b--workout", "----"])
async def test_foreign_config_id_finds_nothing(accounts: Accounts, config_id: str) -> None:
    """Texts that can be no config id are simply not there."""
    await accounts.save_config(CONFIG)

    assert await accounts.load_config(USER, config_id) is None


async def test_configs_of_a_connection(accounts: Accounts) -> None:
    """A connection's configs are those that have it on either side."""
    other = replace(CONFIG, source_connection_id=ConnectionId("conn_3"))
    unrelated = replace(other, destination_connection_id=ConnectionId("conn_4"))
    for config in (CONFIG, other, unrelated):
        await accounts.save_config(config)

    assert set(await accounts.load_configs_of(USER, ConnectionId("conn_2"))) == {CONFIG, other}
    assert await accounts.load_configs_of(USER, ConnectionId("conn_1")) == (CONFIG,)


async def test_account_has_one_owner(accounts: Accounts, store: DictItemStore) -> None:
    """An external account is taken once and can be taken again after it was let go."""
    owner = ExternalOwner("strava", "77 / ü#", USER, CONNECTION.connection_id, 1)
    await store.transact([owner_put(owner)])
    assert await accounts.load_owner("strava", "77 / ü#") == owner
    assert await store.write_each([owner_put(replace(owner, user_id=UserId("usr_2")))]) == (False,)

    await store.transact([owner_delete(owner)])
    assert await accounts.load_owner("strava", "77 / ü#") is None
