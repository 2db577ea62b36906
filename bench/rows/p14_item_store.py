"""P14: the embedded item store beside aiosqlite, a durable Redis, and a local DynamoDB.

What could cheat, and how it is closed: a store in memory (the folder must be on a disk, Redis syncs always, versions
are counted afterwards); batches larger than production's (each waiter does one operation at a time, as requests do);
reads of one hot item (keys are random over all items); waiters that race (each writes keys of its own, so no refusal
is cheap work).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack

from bench.bars import Bar
from bench.figure import Figure
from bench.item_rounds import read_round, transact_round, write_round
from bench.peers.item_contestant import GROUP_SIZE, ItemContestant, make_bodies
from bench.peers.items_aiosqlite import AiosqliteCommitEach, AiosqliteItems
from bench.peers.items_dynamodb import running_dynamodb
from bench.peers.items_redis import RedisItems, RedisMultiItems
from bench.peers.items_syncwell import SyncWellItems
from bench.plan import Plan
from bench.redis_server import running_redis
from bench.rounds import OURS, Contestant, Rounds, Sample, alternate
from bench.store_process import running_store
from bench.waiters import WAITERS

DRIVES_LOAD_HERE = True

_BARS = {
    "aiosqlite": (Bar(6), Bar(8)),
    "redis": (Bar(0.7), Bar(1)),
    "moto": (Bar(50), Bar(100)),
}
_WHAT = {
    "read": f"item store, point read of one of all items at random, {WAITERS} waiters",
    "write": f"item store, conditional write of one item, {WAITERS} waiters",
    "transaction": f"item store, transaction of {GROUP_SIZE} conditional writes, {WAITERS} waiters",
}
_REASONS = {
    "read": "Most of a read is SQLite's own statement, which locks and unlocks the file that it shares.",
    "write": (
        "Our write crosses to another process and back, through two encodings and one gRPC call a batch; aiosqlite "
        "writes in its own process, where waiters on one connection share commits by accident."
    ),
    "transaction": "As for single writes; not profiled by itself yet.",
}

Round = Callable[[ItemContestant, float], Coroutine[None, None, Sample]]


async def measure(plan: Plan) -> Sequence[Figure]:
    """Returns a figure for each operation beside each kind of peer."""
    async with AsyncExitStack() as stack:
        contestants = await _start_all(plan, stack)
        rounds = {
            operation: await alternate(
                [
                    Contestant(one.name, one.settings, _bind(round_of, one, plan.seconds))
                    for one in contestants
                    if operation in _VARIANTS.get(type(one), _ROUNDS)
                ],
                rounds=plan.rounds,
            )
            for operation, round_of in _ROUNDS.items()
        }
    return [_figure(operation, kind, rounds[operation]) for operation in _WHAT for kind in _BARS]


async def _start_all(plan: Plan, stack: AsyncExitStack) -> list[ItemContestant]:
    ours = await stack.enter_async_context(running_store(plan.folder / "store"))
    url = await stack.enter_async_context(running_redis(plan.folder / "redis", is_durable=True))
    sqlite = await AiosqliteItems.open(plan.folder / "aiosqlite.db")
    stack.push_async_callback(sqlite.close)
    script, multi = RedisItems(url), RedisMultiItems(url)
    for client in (script, multi):
        stack.push_async_callback(client.close)
    dynamo = await stack.enter_async_context(running_dynamodb(plan.folder))
    contestants: list[ItemContestant] = [SyncWellItems(ours.items), sqlite, script, dynamo]
    for contestant in contestants:
        plan.say(f"loading {contestant.item_count} items into {contestant.name}")
        await contestant.load(make_bodies(contestant.item_count))
    return [*contestants, sqlite.with_commit_each(), multi]


_ROUNDS: dict[str, Round] = {"read": read_round, "write": write_round, "transaction": transact_round}


# Second ways to use a peer, over the data of the first, measured where they differ.
_VARIANTS: dict[type[ItemContestant], tuple[str, ...]] = {
    AiosqliteCommitEach: ("write",),
    RedisMultiItems: ("transaction",),
}


def _bind(round_of: Round, contestant: ItemContestant, seconds: float) -> Callable[[], Coroutine[None, None, Sample]]:
    return lambda: round_of(contestant, seconds)


def _figure(operation: str, kind: str, rounds: dict[str, Rounds]) -> Figure:
    must, aim = _BARS[kind]
    return Figure(
        id=f"P14.{operation}.{kind}",
        what=_WHAT[operation],
        unit="1/s",
        must=must,
        aim=aim,
        ours=rounds[OURS],
        reason=_REASONS[operation],
        peers=[one for name, one in rounds.items() if name.startswith(kind)],
    )
