"""`python -m bench.load.empty_worker`: the sync worker as it ships, with a source that has nothing and costs no call.

Consumers, leases, the whole `RunSync`, its final transaction and its event are the worker's own; only the providers'
side is replaced, so that what remains is the cost of a job itself.
"""

# ruff: noqa: ARG002 - each method takes what its port passes

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from random import SystemRandom
from typing import NoReturn

from services.sync_worker.app import consume_until_stopped, make_consumers
from services.sync_worker.settings import Settings
from syncwell.adapters.embedded.key_file_sealer import KeyFileSealer
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.connections import Connection
from syncwell.domain.errors import ProviderRefusedError
from syncwell.domain.jobs import Priority
from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata
from syncwell.ports.roles import (
    Capabilities,
    Destination,
    ProviderRegistry,
    ProviderSession,
    ProviderSessions,
    Source,
    SourcePage,
    Window,
)
from syncwell.runtime.backends import open_backends
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.entry import run_service
from syncwell.runtime.history import make_history
from syncwell.usecases.build_sync import SyncPorts, build_sync

PROVIDERS = ("empty_source", "empty_destination")


class EmptyAccount(Source, Destination):
    """Lists nothing, and so is never asked to write."""

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        """Says no."""
        return False

    async def fetch_metadata(
        self, session: ProviderSession, data_type: DataType, window: Window, *, cursor: str | None = None
    ) -> SourcePage:
        """Returns an empty last page."""
        return SourcePage(())

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        """Yields nothing."""
        for record in records:
            yield record.record_id, None

    async def write(self, session: ProviderSession, workout: CanonicalWorkout, *, external_id: str) -> NoReturn:
        """Refuses."""
        raise ProviderRefusedError("this account takes nothing")

    async def find(self, session: ProviderSession, *, external_id: str, window: Window) -> None:
        """Finds nothing."""

    async def update(
        self, session: ProviderSession, record_id: RecordId, fields: dict[EditableField, str] | object
    ) -> NoReturn:
        """Refuses."""
        raise ProviderRefusedError("this account takes nothing")

    async def delete(self, session: ProviderSession, record_id: RecordId) -> NoReturn:
        """Refuses."""
        raise ProviderRefusedError("this account takes nothing")


class EmptyProvider:
    """Plays both roles. Lists by change time, as Garmin does, so that every job moves its pair's cursor."""

    def __init__(self, name: str) -> None:
        workouts = frozenset({DataType.WORKOUT})
        self.capabilities = Capabilities(name, name, workouts, workouts, lists_by_change_time=True)
        self.oauth = None
        self.source = EmptyAccount()
        self.destination = EmptyAccount()


class EmptyProviders(ProviderRegistry):
    """The two of this row."""

    def __init__(self) -> None:
        self._providers = {name: EmptyProvider(name) for name in PROVIDERS}

    def get(self, provider: str) -> EmptyProvider:
        """Returns the provider."""
        return self._providers[provider]

    def all(self) -> Sequence[EmptyProvider]:
        """Returns both."""
        return list(self._providers.values())


class NoSession:
    """A session that is never used."""

    account = ""

    async def request(self, method: str, path: str, **_: object) -> NoReturn:
        """Refuses."""
        raise ProviderRefusedError("there is nobody to call")


class NoSessions:
    """Opens sessions that call nobody."""

    def open(self, connection: Connection, *, priority: Priority, deadline_ms: int) -> NoSession:
        """Returns one."""
        return NoSession()


async def run(settings: Settings) -> None:
    """Works until SIGTERM."""
    await work(settings, EmptyProviders(), NoSessions())


async def work(settings: Settings, registry: ProviderRegistry, sessions: ProviderSessions) -> None:
    """Runs the worker's own consumers over these providers until SIGTERM."""
    clock = make_clock(settings)
    async with open_backends(settings) as backends:
        ports = SyncPorts(
            items=backends.items,
            registry=registry,
            sessions=sessions,
            sealer=KeyFileSealer(settings.keys_dir),
            event_log=backends.events,
            clock=clock,
            random=SystemRandom(),
            history=make_history(settings, clock, "sync_worker"),
            crash_points=make_crash_points(settings),
        )
        run_sync = build_sync(ports, limits=settings.limits(), owner=f"bench-{os.getpid()}")
        await consume_until_stopped(make_consumers(settings, backends, run_sync, clock), settings.drain_seconds)


if __name__ == "__main__":
    sys.exit(run_service("sync_worker", Settings, run))
