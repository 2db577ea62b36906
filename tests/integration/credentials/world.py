"""A credentials service with a real store, a real socket and sandboxes, all in the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import grpc

from services.credentials.app import Parts, make_parts
from services.credentials.settings import Settings
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.adapters.embedded.key_file_sealer import KeyFileSealer
from syncwell.adapters.embedded.store_client import EmbeddedEventLog, EmbeddedItemStore
from syncwell.adapters.grpc.channel import open_channel
from syncwell.adapters.grpc.credentials_client import GrpcConnections, GrpcTokenSource
from syncwell.api.credentials.v1 import credentials_pb2
from syncwell.api.credentials.v1.credentials_pb2_grpc import add_CredentialServiceServicer_to_server
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.connector import Callback, ConnectionView
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.registry import InstalledProviders
from syncwell.providers.strava.settings import strava_settings
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.grants import GrantRow, Grants
from syncwell.runtime.caller_identity import load_identity
from syncwell.runtime.clock import OffsetClock
from syncwell.runtime.grpc_server import serving
from syncwell.runtime.settings import prepare_directories
from syncwell.sandbox.garmin.sandbox import GarminSandbox
from syncwell.sandbox.people import Person
from syncwell.sandbox.server import SandboxHost
from syncwell.sandbox.server import serving as serving_sandbox
from syncwell.sandbox.strava.sandbox import StravaSandbox
from syncwell.usecases.token_cache import TokenCache

USER = UserId("usr_ann")
STRANGER = UserId("usr_bob")
REDIRECT = "http://127.0.0.1:8080/v1/connections/strava/callback"
PERSON = "4711"


@dataclass
class World:
    """Both ends of the service, and what the provider saw."""

    settings: Settings
    clock: OffsetClock
    items: EmbeddedItemStore
    event_log: EmbeddedEventLog
    parts: Parts
    connections: GrpcConnections
    channel: grpc.aio.Channel
    sandbox: StravaSandbox
    garmin: GarminSandbox
    sandbox_url: str
    http: aiohttp.ClientSession

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.items)

    def token_source(self) -> GrpcTokenSource:
        """Returns a worker's client with an empty cache of its own."""
        identity = load_identity(self.settings.keys_dir, "sync_worker")
        return GrpcTokenSource(self.channel, identity, TokenCache(self.clock))

    def advance(self, duration: timedelta) -> None:
        """Moves the service's and the providers' time."""
        for clock in (self.clock, self.sandbox.clock, self.garmin.clock):
            clock.advance(duration)

    def count(self, event: str) -> int:
        """Returns what the provider's books counted."""
        return self.sandbox.books.counter(event)

    async def consent(self, user_id: UserId = USER, provider: str = "strava") -> Callback:
        """Opens a consent and follows it in a browser's place; returns the query of the redirect."""
        consent = await self.connections.begin(user_id, provider, redirect_uri=REDIRECT)
        async with self.http.get(consent.url, allow_redirects=False) as answer:
            assert answer.status in (302, 303), await answer.text()
            target = answer.headers["Location"]
        assert target.startswith(REDIRECT)
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        return Callback(
            state=query["state"],
            code=query.get("code", ""),
            error=query.get("error", ""),
            scope=query.get("scope", ""),
        )

    async def connect(self, user_id: UserId = USER, provider: str = "strava") -> ConnectionView:
        """Walks the whole road to an active connection."""
        done = await self.connections.complete(provider, await self.consent(user_id, provider))
        if done.confirmation_code is None:
            return done.connection
        return await self.connections.confirm(user_id, done.connection.connection_id, done.confirmation_code)

    async def generation(self, connection_id: ConnectionId) -> int:
        """Returns the generation in the store."""
        connection = await self.accounts.load_connection(USER, connection_id)
        assert connection is not None
        return connection.generation

    async def grant_row(self, connection_id: ConnectionId) -> GrantRow:
        """Returns the sealed row of a connection that has one."""
        row = await Grants(self.items, KeyFileSealer(self.settings.keys_dir)).load(connection_id)
        assert row is not None
        return row


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    """Starts everything and ends it in order."""
    clock_file = folder / "clock"
    OffsetClock.create(clock_file)
    settings = Settings(data_dir=folder, clock_file=clock_file, sandbox=True)
    prepare_directories(settings)
    clock = OffsetClock(clock_file)
    strava, garmin = StravaSandbox(), GarminSandbox()
    async with (
        serving_sandbox(SandboxHost(lambda: strava)) as url,
        serving_sandbox(SandboxHost(lambda: garmin)) as garmin_url,
        Engine(settings.store_path, clock) as engine,
    ):
        for sandbox in (strava, garmin):
            sandbox.people.put(Person(user_id=PERSON, name="Ann Example"))
        transport = InProcessTransport(engine, clock)
        items, event_log = EmbeddedItemStore(transport), EmbeddedEventLog(transport)
        client = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        chosen = strava_settings(**client).at_origin(url), garmin_settings(**client).at_origin(garmin_url)
        providers = InstalledProviders(chosen, clock)
        parts = make_parts(settings, items, event_log, providers, clock)

        def register(server: grpc.aio.Server) -> Sequence[str]:
            add_CredentialServiceServicer_to_server(parts.servicer, server)
            return [credentials_pb2.DESCRIPTOR.services_by_name["CredentialService"].full_name]

        address = settings.address_of("credentials")
        async with serving(address, register, drain_seconds=1), aiohttp.ClientSession() as http:
            channel = open_channel(address)
            connections = GrpcConnections(channel, load_identity(settings.keys_dir, "gateway"))
            yield World(settings, clock, items, event_log, parts, connections, channel, strava, garmin, url, http)
            await channel.close()
        await parts.issue.drain()
        await providers.aclose()
        items.close()
        event_log.close()
        transport.close()
