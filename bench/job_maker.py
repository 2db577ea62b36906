"""Makes people with connections and accepts their jobs into a store, as the gateway does."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from bench.rounds import BenchFailedError
from bench.waiters import WAITERS
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.jobs import JobId, JobMode, JobRequest, JobState, Priority
from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.ports.item_store import TRANSACTION_WRITES_MAX
from syncwell.ports.roles import ProviderRegistry
from syncwell.repositories.accounts import Accounts, connection_put
from syncwell.repositories.jobs import Jobs
from syncwell.runtime.backends import Backends
from syncwell.runtime.clock import SystemClock
from syncwell.runtime.history import NoHistory
from syncwell.usecases.accept_job import AcceptJob


class JobMaker:
    """Accepts jobs of `people`, in turn, from the first of two `providers` to the second."""

    def __init__(
        self, backends: Backends, registry: ProviderRegistry, providers: tuple[str, str], *, people: int
    ) -> None:
        self._providers = providers
        self._people = people
        self._next = 0
        self._items = backends.items
        self._clock = SystemClock()
        self._accept = AcceptJob(
            jobs=Jobs(backends.items),
            accounts=Accounts(backends.items),
            registry=registry,
            queue=backends.queue,
            clock=self._clock,
            history=NoHistory(),
            id_key=bytes(32),
        )

    async def make_people(self) -> None:
        """Gives everybody an active connection at both ends."""
        rows = [
            connection_put(self._connection(place, provider))
            for place in range(self._people)
            for provider in self._providers
        ]
        for start in range(0, len(rows), TRANSACTION_WRITES_MAX):
            await self._items.transact(rows[start : start + TRANSACTION_WRITES_MAX])

    async def accept(self, count: int) -> list[tuple[UserId, JobId]]:
        """Accepts `count` jobs, durably; returns whose they are and their ids."""
        accepted: list[tuple[UserId, JobId]] = []
        for start in range(self._next, self._next + count, WAITERS):
            places = range(start, min(start + WAITERS, self._next + count))
            accepted += await asyncio.gather(*(self._accept_one(place % self._people) for place in places))
        self._next += count
        return accepted

    async def _accept_one(self, place: int) -> tuple[UserId, JobId]:
        user = _user(place)
        source, destination = (_connection_id(place, provider) for provider in self._providers)
        request = JobRequest(user, source, destination, DataType.WORKOUT, JobMode.MANUAL, Priority.HIGH)
        acceptance = await self._accept.accept(request, route="bench", idempotency_key=str(uuid.uuid4()))
        return user, acceptance.job.job_id

    def _connection(self, place: int, provider: str) -> Connection:
        return Connection(
            _connection_id(place, provider),
            _user(place),
            provider,
            f"account-{place}",
            "",
            ConnectionStatus.ACTIVE,
            generation=1,
            version=1,
            created_at_ms=self._clock.now_ms(),
        )


async def require_success(backends: Backends, accepted: Sequence[tuple[UserId, JobId]]) -> None:
    """Checks that every job has succeeded.

    Raises:
        BenchFailedError: one has not.
    """
    jobs, now_ms = Jobs(backends.items), SystemClock().now_ms()
    for user, job_id in accepted:
        job = await jobs.load(user, job_id, now_ms=now_ms)
        if job is None or job.state is not JobState.SUCCEEDED:
            raise BenchFailedError(f"{job_id} is {job and job.state}, not succeeded")


def _user(place: int) -> UserId:
    return UserId(f"usr_bench-{place}")


def _connection_id(place: int, provider: str) -> ConnectionId:
    return ConnectionId(f"conn_{provider}-{place}")
