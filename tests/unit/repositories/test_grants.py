"""Grant, consent and revocation rows at rest."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.item_store import Item, Put
from syncwell.ports.roles import TokenGrant
from syncwell.repositories import keys
from syncwell.repositories.consents import Consents
from syncwell.repositories.grants import Grants, GrantState, grant_delete, grant_put
from syncwell.repositories.revocations import Revocation, Revocations
from tests.unit.fakes.item_store import DictItemStore
from tests.unit.fakes.sealer import FakeSealer

ANN, BOB = UserId("usr_ann"), UserId("usr_bob")
CONNECTION = Connection(ConnectionId("conn_1"), ANN, "strava", "77", "Ann", ConnectionStatus.ACTIVE, 3, 1, 1_000)
GRANT = TokenGrant("marker-access", "marker-refresh", 9_000, ("read",), "77", "Ann")
NOW_MS = 5_000


@pytest.fixture
def store() -> DictItemStore:
    return DictItemStore()


@pytest.fixture
def grants(store: DictItemStore) -> Grants:
    return Grants(store, FakeSealer())


async def test_grant_comes_back_as_it_was(grants: Grants, store: DictItemStore) -> None:
    """A sealed row opens to the same tokens, under the connection's generation."""
    row = await grants.seal(CONNECTION, GRANT, now_ms=NOW_MS, version=1)
    await store.transact([grant_put(row)])

    loaded = await grants.load(CONNECTION.connection_id)

    assert loaded == row
    assert (row.generation, row.state, row.issued_at_ms, row.expires_at_ms) == (3, GrantState.STABLE, NOW_MS, 9_000)
    opened = await grants.open(row)
    assert (opened.access_token, opened.refresh_token, opened.scopes) == ("marker-access", "marker-refresh", ("read",))


async def test_tokens_are_not_in_rows_or_prints(grants: Grants, store: DictItemStore) -> None:
    """Neither the stored bytes nor any print of row or grant shows a token."""
    row = await grants.seal(CONNECTION, GRANT, now_ms=NOW_MS, version=1)
    await store.transact([grant_put(row)])

    shown = f"{row!r} {GRANT!r} {await grants.open(row)!r}".encode()
    assert b"marker" not in shown + store.items[keys.token(CONNECTION.connection_id)].body
    assert row.sealed not in shown


@pytest.mark.parametrize(("field", "value"), [("user_id", BOB), ("connection_id", ConnectionId("conn_2"))])
async def test_row_that_was_moved_does_not_open(grants: Grants, field: str, value: str) -> None:
    """A sealed grant opens for its own user and connection only."""
    row = await grants.seal(CONNECTION, GRANT, now_ms=NOW_MS, version=1)

    with pytest.raises(InvalidInputError):
        await grants.open(replace(row, **{field: value}))  # type: ignore[arg-type]  # one of two fields of one type


async def test_writers_of_one_version_exclude_each_other(grants: Grants, store: DictItemStore) -> None:
    """Puts replace the version before theirs, deletes the version that was read."""
    row = await grants.seal(CONNECTION, GRANT, now_ms=NOW_MS, version=1)
    claimed = replace(row, state=GrantState.REFRESHING, version=2)

    assert await store.write_each([grant_put(row)]) == (True,)
    assert await store.write_each([grant_put(row)]) == (False,)
    assert await store.write_each([grant_put(claimed), grant_put(claimed)]) == (True, False)
    assert await store.write_each([grant_delete(row), grant_delete(claimed)]) == (False, True)


async def test_rows_of_a_newer_release_are_read(grants: Grants, store: DictItemStore) -> None:
    """Unknown fields are tolerated."""
    row = await grants.seal(CONNECTION, GRANT, now_ms=NOW_MS, version=1)
    body = msgspec.msgpack.decode(msgspec.msgpack.encode(row)) | {"colour": "red"}
    await store.transact([Put(Item(keys.token(CONNECTION.connection_id), msgspec.msgpack.encode(body), version=7))])

    assert await grants.load(CONNECTION.connection_id) == replace(row, version=7)


async def test_consent_is_taken_once(store: DictItemStore) -> None:
    """The first taker gets the consent, with a verifier that opens for its state only."""
    consents = Consents(store, FakeSealer())
    for state in ("state-1", "state-2"):
        await consents.add(state, f"v-{state}", user_id=ANN, provider="strava", redirect_uri="r", expires_at_ms=9_000)

    taken = await consents.take("state-1", now_ms=NOW_MS)

    assert taken is not None
    assert taken.user_id == ANN
    assert await consents.open_verifier("state-1", taken) == "v-state-1"
    with pytest.raises(InvalidInputError):
        await consents.open_verifier("state-2", taken)
    assert await consents.take("state-1", now_ms=NOW_MS) is None
    assert await consents.take("state-2", now_ms=9_000) is None, "at its end it is too old"
    assert store.items == {}


async def test_revocations_come_due_in_order(store: DictItemStore) -> None:
    """What is due comes earliest first; a row that was changed elsewhere is neither saved nor removed."""
    revocations = Revocations(store)
    early, late = (Revocation(ConnectionId(f"conn_{due}"), ANN, "strava", due, b"s") for due in (10, 20))
    assert await revocations.save(late)
    assert await revocations.save(early)

    assert await revocations.load_due(now_ms=20, limit=10) == (early, late)
    assert await revocations.load_due(now_ms=19, limit=10) == (early,)
    claimed = replace(early, due_at_ms=99, version=2)
    assert await revocations.save(claimed)
    assert not await revocations.save(claimed)
    await revocations.delete(early)
    assert await revocations.load(early.connection_id) == claimed
    await revocations.delete(claimed)
    assert await revocations.load(early.connection_id) is None
