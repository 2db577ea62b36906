"""P14, peer: aiosqlite in its usual way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiosqlite

from bench.peers.item_contestant import ItemContestant, key_of
from bench.rounds import BenchFailedError

_TUNING = "WAL, synchronous FULL, cache 64 MiB, one connection"
_TABLE = """
CREATE TABLE items (
    partition TEXT, sort TEXT, version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (partition, sort)
) WITHOUT ROWID
"""
_UPDATE = "UPDATE items SET version = version + 1, body = ? WHERE partition = ? AND sort = ? AND version = ?"
_READ = "SELECT version, body FROM items WHERE partition = ? AND sort = ?"


class AiosqliteItems(ItemContestant):
    """One connection that all waiters share.

    A single statement needs no lock: whoever commits first commits for all who wrote before. A transaction of several
    statements holds a lock, without which others' statements would fall into it.
    """

    name = "aiosqlite (shared commit)"
    settings = f"{_TUNING}; single writes of several waiters fall into one commit"

    def __init__(self, database: aiosqlite.Connection) -> None:
        """Shares an open connection."""
        self._database = database
        self._is_transacting = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> AiosqliteItems:
        """Opens a new file."""
        database = await aiosqlite.connect(path)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
            await database.execute(f"PRAGMA {pragma}")
        await database.execute(_TABLE)
        return cls(database)

    async def load(self, bodies: list[bytes]) -> None:
        """Writes all in one transaction."""
        rows = [(*key_of(number), 1, body) for number, body in enumerate(bodies)]
        await self._database.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows)
        await self._database.commit()

    async def read(self, number: int) -> int:
        """Selects the row."""
        async with self._database.execute(_READ, key_of(number)) as cursor:
            row = await cursor.fetchone()
        if row is None:
            raise BenchFailedError(f"item {number} is gone")
        return int(row[0])

    async def write(self, number: int, seen: int, body: bytes) -> None:
        """Updates and commits."""
        cursor = await self._database.execute(_UPDATE, (body, *key_of(number), seen))
        if cursor.rowcount != 1:
            raise BenchFailedError(f"the write of item {number} was refused")
        await self._database.commit()

    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        """Updates all in one call and commits."""
        rows = [(body, *key_of(number), version) for number, version in zip(numbers, seen, strict=True)]
        async with self._is_transacting:
            cursor = await self._database.executemany(_UPDATE, rows)
            if cursor.rowcount != len(rows):
                await self._database.rollback()
                raise BenchFailedError("a transaction was refused")
            await self._database.commit()

    def with_commit_each(self) -> AiosqliteCommitEach:
        """Returns the other way of writing, over the same data."""
        return AiosqliteCommitEach(self._database)

    async def close(self) -> None:
        """Closes the file."""
        await self._database.close()


class AiosqliteCommitEach(AiosqliteItems):
    """The same file through the same connection, with a commit for each write, as code with a lock does it."""

    name = "aiosqlite (commit each)"
    settings = f"{_TUNING}; a lock from each write to its commit"

    async def write(self, number: int, seen: int, body: bytes) -> None:
        """Updates and commits before anybody else."""
        async with self._is_transacting:
            await super().write(number, seen, body)
