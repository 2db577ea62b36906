"""P14, peer: Redis that syncs every write."""

from __future__ import annotations

import redis.asyncio as redis_client

from bench.peers.item_contestant import ItemContestant, key_of
from bench.rounds import BenchFailedError
from bench.waiters import WAITERS

# All keys are checked before any is written; a script is atomic and takes one round trip.
_WRITE = """
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'v') ~= ARGV[i + 1] then return 0 end
end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'v', tonumber(ARGV[i + 1]) + 1, 'b', ARGV[1])
end
return 1
"""


class RedisItems(ItemContestant):
    """Hashes, written by a script."""

    name = "redis (script)"
    settings = f"appendfsync always, hiredis, {WAITERS} connections, conditions checked by a cached Lua script"

    def __init__(self, url: str) -> None:
        pool = redis_client.BlockingConnectionPool.from_url(url, max_connections=WAITERS, timeout=30)
        self._client = redis_client.Redis(connection_pool=pool)
        self._write = self._client.register_script(_WRITE)

    async def load(self, bodies: list[bytes]) -> None:
        """Writes in pipelines."""
        for start in range(0, len(bodies), 1_000):
            async with self._client.pipeline(transaction=False) as pipeline:
                for number in range(start, min(start + 1_000, len(bodies))):
                    pipeline.hset(_name_of(number), mapping={"v": 1, "b": bodies[number]})
                await pipeline.execute()

    async def read(self, number: int) -> int:
        """Reads both fields."""
        version, body = await self._client.hmget(_name_of(number), ["v", "b"])
        if version is None or body is None:
            raise BenchFailedError(f"item {number} is gone")
        return int(version)

    async def write(self, number: int, seen: int, body: bytes) -> None:
        """Runs the script on one key."""
        await self.transact([number], [seen], body)

    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        """Runs the script."""
        if await self._write(keys=[_name_of(number) for number in numbers], args=[body, *seen]) != 1:
            raise BenchFailedError("a write was refused")

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


class RedisMultiItems(RedisItems):
    """The same, written with WATCH, MULTI and EXEC."""

    name = "redis (MULTI)"
    settings = f"appendfsync always, hiredis, {WAITERS} connections, WATCH, read of versions, MULTI and EXEC"

    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        """Watches, reads the versions, and writes all at once."""
        names = [_name_of(number) for number in numbers]
        async with self._client.pipeline(transaction=True) as pipeline:
            await pipeline.watch(*names)
            versions = [int(await pipeline.hget(name, "v") or 0) for name in names]
            if versions != seen:
                raise BenchFailedError("a write was refused")
            pipeline.multi()  # type: ignore[no-untyped-call]  # the client has no type for it
            for name, version in zip(names, seen, strict=True):
                pipeline.hset(name, mapping={"v": version + 1, "b": body})
            await pipeline.execute()


def _name_of(number: int) -> str:
    return "#".join(key_of(number))
