"""Configs that can work are kept; others are refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import pytest

from syncwell.domain.connections import Connection, ConnectionStatus, SyncConfig
from syncwell.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    SyncWellError,
    UnsupportedPairError,
    VersionConflictError,
)
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.domain.resolution import Strategy
from syncwell.ports.roles import Capabilities, Destination, Provider, Source
from syncwell.repositories.accounts import Accounts
from syncwell.usecases.keep_sync_configs import ConfigChange, KeepSyncConfigs
from tests.unit.fakes.item_store import DictItemStore

ROBIN, KIM = UserId("usr_robin"), UserId("usr_kim")
WORKOUTS = frozenset({DataType.WORKOUT})
WATCH, BOOK, SAME_BOOK, KIMS = (ConnectionId(f"conn_{name}") for name in ("watch", "book", "same", "kims"))
ROLE = object()  # that a role exists is all that matters here
WANTED = SyncConfig(ROBIN, WATCH, BOOK, DataType.WORKOUT, Strategy.NEWEST_WINS, True, False, 1)


@dataclass(frozen=True)
class Paper:
    """A provider on paper."""

    capabilities: Capabilities
    source: Source | None = None
    destination: Destination | None = None
    oauth: None = None


class Papers:
    """A watch that is read only, and a book that is read and written."""

    def __init__(self) -> None:
        role = cast(Source, ROLE), cast(Destination, ROLE)
        self._papers = {
            "watch": Paper(Capabilities("watch", "Watch", WORKOUTS, frozenset()), role[0]),
            "book": Paper(Capabilities("book", "Book", WORKOUTS, WORKOUTS), *role),
        }

    def get(self, provider: str) -> Provider:
        return self._papers[provider]

    def all(self) -> Sequence[Provider]:
        return list(self._papers.values())


@pytest.fixture
async def accounts() -> Accounts:
    accounts = Accounts(DictItemStore())
    for user_id, connection_id, provider, account in (
        (ROBIN, WATCH, "watch", "w"),
        (ROBIN, BOOK, "book", "b"),
        (ROBIN, SAME_BOOK, "book", "b"),
        (KIM, KIMS, "book", "k"),
    ):
        connection = Connection(connection_id, user_id, provider, account, "", ConnectionStatus.ACTIVE, 1, 1, 0)
        await accounts.save_connection(connection)
    return accounts


@pytest.fixture
def keep(accounts: Accounts) -> KeepSyncConfigs:
    return KeepSyncConfigs(accounts, Papers())


async def test_new_config_is_stored(keep: KeepSyncConfigs, accounts: Accounts) -> None:
    """What was wished is what is kept."""
    assert await keep.create(WANTED) == WANTED
    assert await accounts.load_configs(ROBIN) == (WANTED,)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"destination_connection_id": WATCH}, InvalidInputError),
        ({"source_connection_id": SAME_BOOK}, UnsupportedPairError),
        ({"source_connection_id": BOOK, "destination_connection_id": WATCH}, UnsupportedPairError),
        ({"data_type": DataType.STEPS}, UnsupportedPairError),
        ({"propagates_deletes": True}, UnsupportedPairError),
        ({"destination_connection_id": KIMS}, NotFoundError),
        ({"source_connection_id": ConnectionId("conn_none")}, NotFoundError),
        ({"source_connection_id": ConnectionId("#")}, NotFoundError),
        ({"user_id": KIM}, NotFoundError),
    ],
)
async def test_config_that_cannot_work_is_refused(
    keep: KeepSyncConfigs, accounts: Accounts, changes: dict[str, object], error: type[SyncWellError]
) -> None:
    """Nothing is stored for a pair that is not the caller's, or that the providers cannot serve."""
    with pytest.raises(error):
        await keep.create(replace(WANTED, **changes))  # type: ignore[arg-type]  # reason: each case changes other fields

    assert await accounts.load_configs(ROBIN) == ()


async def test_ended_connection_takes_no_config(keep: KeepSyncConfigs, accounts: Accounts) -> None:
    """A revoked connection is as good as none."""
    stored = await accounts.load_connection(ROBIN, WATCH)
    assert stored is not None
    await accounts.save_connection(replace(stored, status=ConnectionStatus.REVOKED, version=2))

    with pytest.raises(NotFoundError):
        await keep.create(WANTED)


async def test_same_creation_again_finds_the_config(keep: KeepSyncConfigs) -> None:
    """A repetition after a crash is no conflict; another wish for the same pair is."""
    await keep.create(WANTED)

    assert await keep.create(WANTED) == WANTED
    with pytest.raises(ConflictError):
        await keep.create(replace(WANTED, strategy=Strategy.SOURCE_WINS))


async def test_change_needs_the_version_that_is_stored(keep: KeepSyncConfigs) -> None:
    """Each change raises the version; an older reader is refused."""
    await keep.create(WANTED)
    change = ConfigChange(Strategy.DEST_WINS, is_enabled=False, propagates_deletes=False, version=1)

    changed = await keep.change(ROBIN, WANTED.config_id, change)

    assert (changed.version, changed.strategy, changed.is_enabled) == (2, Strategy.DEST_WINS, False)
    with pytest.raises(VersionConflictError):
        await keep.change(ROBIN, WANTED.config_id, change)


async def test_configs_of_others_do_not_exist(keep: KeepSyncConfigs) -> None:
    """Nobody loads, changes or removes somebody else's config."""
    await keep.create(WANTED)
    change = ConfigChange(Strategy.DEST_WINS, is_enabled=False, propagates_deletes=False, version=1)

    with pytest.raises(NotFoundError):
        await keep.load(KIM, WANTED.config_id)
    with pytest.raises(NotFoundError):
        await keep.change(KIM, WANTED.config_id, change)
    with pytest.raises(NotFoundError):
        await keep.remove(KIM, WANTED.config_id)
    assert await keep.load(ROBIN, WANTED.config_id) == WANTED


async def test_removed_config_is_gone(keep: KeepSyncConfigs) -> None:
    """After a removal the pair is free again."""
    await keep.create(WANTED)
    await keep.remove(ROBIN, WANTED.config_id)

    with pytest.raises(NotFoundError):
        await keep.remove(ROBIN, WANTED.config_id)
    assert await keep.create(WANTED) == WANTED
