"""Who gets which access token, and how often the provider is asked for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import (
    NotFoundError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    ReauthenticationNeededError,
    SecretStoreUnavailableError,
    StoreUnavailableError,
)
from syncwell.domain.records import ConnectionId
from syncwell.ports.history import Op
from syncwell.repositories.accounts import REAUTH_PENDING
from syncwell.repositories.grants import GrantState
from syncwell.usecases.issue_access_token import Step, margin_ms, next_step
from tests.unit.fakes.clock import settle
from tests.unit.fakes.history import KilledError
from tests.unit.usecases.credentials_kit import CONNECTION_ID, STRANGER, USER, Kit

NEARLY_OVER = timedelta(minutes=4)
LEASE = timedelta(seconds=45)
PAUSE = timedelta(seconds=30)


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_good_token_costs_no_call(kit: Kit) -> None:
    """A token with time left is handed out as it is, and from memory the second time."""
    await kit.seed()
    issue = kit.new_process()

    first = await issue.run(USER, CONNECTION_ID)
    kit.sealer.is_down = True  # memory needs no key
    second = await issue.run(USER, CONNECTION_ID)

    assert first == second
    assert first.value == "access-0"
    assert kit.oauth.refreshed == []


@pytest.mark.parametrize("left", [timedelta(minutes=5), timedelta(0), -timedelta(days=9)])
async def test_token_near_its_end_is_refreshed(kit: Kit, left: timedelta) -> None:
    """With five minutes or less to live the token is renewed, under the next generation of row and connection."""
    await kit.seed(left=left)

    token = await kit.new_process().run(USER, CONNECTION_ID)

    assert (token.value, token.generation) == ("access-1", 2)
    assert (await kit.row()).generation == (await kit.connection()).generation == 2
    assert kit.history.ops("token.refresh") == [Op.INVOKE, Op.OK]


async def test_one_process_shares_one_flight(kit: Kit) -> None:
    """Fifty callers of one process cause one refresh."""
    await kit.seed(left=NEARLY_OVER)
    issue = kit.new_process()

    tokens = await asyncio.gather(*(issue.run(USER, CONNECTION_ID) for _ in range(50)))

    assert kit.oauth.refreshed == ["refresh-0"]
    assert {token.generation for token in tokens} == {2}


async def test_other_processes_wait_for_the_row(kit: Kit) -> None:
    """While one process refreshes, others look at the row until the next generation stands there."""
    await kit.seed(left=NEARLY_OVER)
    kit.oauth.hold = asyncio.Event()
    asked = [asyncio.create_task(kit.new_process().run(USER, CONNECTION_ID)) for _ in range(5)]
    await kit.clock.run_sleepers(timedelta(milliseconds=100), steps=10)
    assert len(kit.oauth.refreshed) == 1

    kit.oauth.hold.set()
    await kit.clock.run_sleepers(timedelta(milliseconds=100), steps=3)

    assert {(await each).generation for each in asked} == {2}
    assert kit.oauth.refreshed == ["refresh-0"]


async def test_wait_for_another_process_ends(kit: Kit) -> None:
    """Whoever waits for a refresh that does not end is told to come back."""
    await kit.seed(left=NEARLY_OVER)
    await kit.change_row(state=GrantState.REFRESHING, busy_until_ms=kit.clock.now_ms() + 60_000)
    asked = asyncio.create_task(kit.new_process().run(USER, CONNECTION_ID))

    await kit.clock.run_sleepers(timedelta(seconds=1), steps=30)

    with pytest.raises(SecretStoreUnavailableError):
        await asked
    assert kit.oauth.refreshed == []


async def test_caller_who_leaves_breaks_nothing_off(kit: Kit) -> None:
    """A refresh goes on and is stored when its only caller is cancelled."""
    await kit.seed(left=NEARLY_OVER)
    kit.oauth.hold = asyncio.Event()
    issue = kit.new_process()
    asked = asyncio.create_task(issue.run(USER, CONNECTION_ID))
    await settle()
    asked.cancel()
    await settle()

    kit.oauth.hold.set()
    await issue.drain()

    assert (await kit.row()).generation == 2


async def test_rejection_of_the_present_generation_refreshes(kit: Kit) -> None:
    """A 401 with the newest token brings the next generation, though the old one had time left."""
    await kit.seed()

    token = await kit.new_process().run(USER, CONNECTION_ID, rejected_generation=1)

    assert token.generation == 2


async def test_rejection_of_an_old_generation_reads_again(kit: Kit) -> None:
    """A 401 with a token that was replaced meanwhile costs no refresh."""
    await kit.seed(left=NEARLY_OVER)
    issue = kit.new_process()
    await issue.run(USER, CONNECTION_ID)

    token = await issue.run(USER, CONNECTION_ID, rejected_generation=1)

    assert token.generation == 2
    assert len(kit.oauth.refreshed) == 1


async def test_rejection_of_what_another_process_replaced_reads_again(kit: Kit) -> None:
    """A process that never saw the newer generation finds it in the row and makes no call."""
    await kit.seed(left=NEARLY_OVER)
    await kit.new_process().run(USER, CONNECTION_ID)

    token = await kit.new_process().run(USER, CONNECTION_ID, rejected_generation=1)

    assert token.generation == 2
    assert len(kit.oauth.refreshed) == 1


async def test_memory_yields_to_a_newer_generation(kit: Kit) -> None:
    """A token in memory is not handed out once another process has stored the next generation."""
    await kit.seed()
    issue = kit.new_process()
    await issue.run(USER, CONNECTION_ID)
    await kit.new_process().run(USER, CONNECTION_ID, rejected_generation=1)

    assert (await issue.run(USER, CONNECTION_ID)).generation == 2


async def test_rejection_while_others_are_served(kit: Kit) -> None:
    """Who joins a flight that brings the very generation it saw rejected starts the next one."""
    await kit.seed()
    issue = kit.new_process()

    plain, rejecting = await asyncio.gather(
        issue.run(USER, CONNECTION_ID), issue.run(USER, CONNECTION_ID, rejected_generation=1)
    )

    assert plain.generation == 1
    assert rejecting.generation == 2


@pytest.mark.parametrize("status", [ConnectionStatus.PENDING, ConnectionStatus.REVOKED])
async def test_connection_not_in_use_gets_nothing(kit: Kit, status: ConnectionStatus) -> None:
    """Before confirmation and after the end there are no tokens."""
    await kit.seed(status=status)

    with pytest.raises(NotFoundError):
        await kit.new_process().run(USER, CONNECTION_ID)


@pytest.mark.parametrize("connection_id", [CONNECTION_ID, "conn_9", "", "a#b"])
async def test_stranger_gets_nothing(kit: Kit, connection_id: str) -> None:
    """Another user's connection is not there, even while its owner's token lies in memory."""
    await kit.seed()
    issue = kit.new_process()
    await issue.run(USER, CONNECTION_ID)

    with pytest.raises(NotFoundError):
        await issue.run(STRANGER, ConnectionId(connection_id))


async def test_end_elsewhere_is_seen_at_once(kit: Kit) -> None:
    """Memory never outlives a tombstone that another process wrote."""
    await kit.seed()
    issue = kit.new_process()
    await issue.run(USER, CONNECTION_ID)

    await kit.revoke.run(USER, CONNECTION_ID)

    with pytest.raises(NotFoundError):
        await issue.run(USER, CONNECTION_ID)


async def test_dead_grant_needs_the_person_once(kit: Kit) -> None:
    """A grant that the provider ended marks the connection, forgets the tokens and is never sent again."""
    await kit.seed(left=NEARLY_OVER)
    kit.oauth.fail_next(ReauthenticationNeededError("gone"))
    issue = kit.new_process()

    for _ in range(2):
        with pytest.raises(ReauthenticationNeededError):
            await issue.run(USER, CONNECTION_ID)

    connection = await kit.connection()
    assert (connection.status, connection.version) == (ConnectionStatus.NEEDS_REAUTH, 2)
    assert len((await kit.items.query_reauth(REAUTH_PENDING)).items) == 1
    assert await kit.grants.load(CONNECTION_ID) is None
    assert len(kit.oauth.refreshed) == 1


UNKNOWN = [
    ProviderUnavailableError("lost"),
    ProviderUnavailableError("HTTP 502", status="502"),
    ProviderInvalidAnswerError("HTML"),
]


@pytest.mark.parametrize("error", UNKNOWN, ids=["lost", "502", "html"])
async def test_unknown_outcome_is_tried_once_more_after_a_pause(kit: Kit, error: Exception) -> None:
    """After a lost answer callers are put off, then the same token is sent once more, then only the person helps."""
    await kit.seed(left=timedelta(0))
    kit.oauth.fail_next(error, ProviderUnavailableError("lost again"))
    issue = kit.new_process()

    for _ in range(2):
        with pytest.raises(SecretStoreUnavailableError):
            await issue.run(USER, CONNECTION_ID)
    assert len(kit.oauth.refreshed) == 1
    kit.clock.advance(PAUSE)
    with pytest.raises(SecretStoreUnavailableError):
        await issue.run(USER, CONNECTION_ID)
    kit.clock.advance(PAUSE)
    with pytest.raises(ReauthenticationNeededError):
        await issue.run(USER, CONNECTION_ID)

    assert kit.oauth.refreshed == ["refresh-0", "refresh-0"]
    assert kit.history.ops("token.refresh") == [Op.INVOKE, Op.INFO, Op.INVOKE, Op.INFO]
    assert (await kit.connection()).status is ConnectionStatus.NEEDS_REAUTH


async def test_successful_repetition_clears_the_doubt(kit: Kit) -> None:
    """Where the lost call had no effect, the repetition ends in a stable row that may be refreshed as ever."""
    await kit.seed(left=timedelta(0))
    kit.oauth.fail_next(ProviderUnavailableError("lost"))
    issue = kit.new_process()
    with pytest.raises(SecretStoreUnavailableError):
        await issue.run(USER, CONNECTION_ID)
    kit.clock.advance(PAUSE)

    token = await issue.run(USER, CONNECTION_ID)

    row = await kit.row()
    assert token.generation == 2
    assert (row.state, row.retry_count) == (GrantState.STABLE, 0)


HARMLESS = [
    ProviderUnavailableError("HTTP 500", status="500"),
    ProviderUnavailableError("HTTP 503", status="503"),
    ProviderThrottledError("slow down", retry_after=timedelta(seconds=20)),
    ProviderRefusedError("wrong client secret"),
]


@pytest.mark.parametrize("error", HARMLESS, ids=["500", "503", "429", "client"])
async def test_harmless_failures_never_need_the_person(kit: Kit, error: Exception) -> None:
    """However often the provider says that it did nothing, the grant lives on."""
    await kit.seed(left=timedelta(0))
    kit.oauth.fail_next(*[error] * 6)
    issue = kit.new_process()

    for _ in range(6):
        with pytest.raises(SecretStoreUnavailableError):
            await issue.run(USER, CONNECTION_ID)
        kit.clock.advance(PAUSE)
    token = await issue.run(USER, CONNECTION_ID)

    assert token.generation == 2
    assert len(kit.oauth.refreshed) == 7


async def test_failure_ahead_of_time_leaves_the_old_token(kit: Kit) -> None:
    """What is left of the present token serves while the provider does not refresh, unless it was rejected."""
    await kit.seed(left=NEARLY_OVER)
    kit.oauth.fail_next(ProviderUnavailableError("lost"))
    issue = kit.new_process()

    assert (await issue.run(USER, CONNECTION_ID)).value == "access-0"
    assert (await issue.run(USER, CONNECTION_ID)).value == "access-0"
    with pytest.raises(SecretStoreUnavailableError):
        await issue.run(USER, CONNECTION_ID, rejected_generation=1)
    assert len(kit.oauth.refreshed) == 1


async def test_kill_between_answer_and_row(kit: Kit) -> None:
    """After a kill before the new tokens were stored, one repetition follows when the lease is over."""
    await kit.seed(left=timedelta(0))
    kit.crash_points.armed = "credentials.before_persist"
    with pytest.raises(KilledError):
        await kit.refresh.run(await kit.row())
    assert (await kit.row()).state is GrantState.REFRESHING
    kit.oauth.fail_next(ReauthenticationNeededError("the old token died with the rotation"))

    kit.clock.advance(LEASE)
    with pytest.raises(ReauthenticationNeededError):
        await kit.new_process().run(USER, CONNECTION_ID)

    assert kit.oauth.refreshed == ["refresh-0", "refresh-0"]


async def test_second_kill_asks_the_person(kit: Kit) -> None:
    """Two kills in a row at the same place never make a third call."""
    await kit.seed(left=timedelta(0))
    for _ in range(2):
        kit.crash_points.armed = "credentials.before_persist"
        with pytest.raises(KilledError):
            await kit.refresh.run(await kit.row())
        kit.clock.advance(LEASE)

    with pytest.raises(ReauthenticationNeededError):
        await kit.new_process().run(USER, CONNECTION_ID)
    assert len(kit.oauth.refreshed) == 2


async def test_kill_after_the_row_costs_nothing(kit: Kit) -> None:
    """Once the next generation is stored, a kill loses nothing."""
    await kit.seed(left=timedelta(0))
    kit.crash_points.armed = "credentials.after_persist"
    with pytest.raises(KilledError):
        await kit.refresh.run(await kit.row())

    token = await kit.new_process().run(USER, CONNECTION_ID)

    assert token.generation == 2
    assert len(kit.oauth.refreshed) == 1


async def test_sealer_down_is_told_and_changes_nothing(kit: Kit) -> None:
    """Without the key nothing is claimed, called or lost."""
    row = await kit.seed(left=timedelta(0))
    kit.sealer.is_down = True

    with pytest.raises(SecretStoreUnavailableError):
        await kit.new_process().run(USER, CONNECTION_ID)

    assert await kit.row() == row
    assert kit.oauth.refreshed == []


async def test_store_down_at_the_claim_makes_no_call(kit: Kit) -> None:
    """A claim that could not be written makes no call at the provider."""
    await kit.seed(left=timedelta(0))
    kit.items.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await kit.new_process().run(USER, CONNECTION_ID)
    assert kit.oauth.refreshed == []


async def test_short_lived_tokens_are_not_renewed_at_every_call(kit: Kit) -> None:
    """Of a token that lives five minutes or less, the first half is used."""
    row = await kit.seed()
    short = await kit.change_row(issued_at_ms=kit.clock.now_ms(), expires_at_ms=kit.clock.now_ms() + 60_000)

    assert margin_ms(row) == 300_000
    assert margin_ms(short) == 30_000
    assert next_step(short, kit.clock.now_ms() + 29_999, None) is Step.USE
    assert next_step(short, kit.clock.now_ms() + 30_000, None) is Step.REFRESH
