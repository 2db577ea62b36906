"""A gateway on a real socket over the real embedded store; only the credentials service is a stand-in."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any  # reason: answers are JSON

import aiohttp

from services.gateway.assembly import Collaborators, assemble
from services.gateway.server import bind, serving
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedItemStore, EmbeddedJobQueue
from syncwell.adapters.identity.development_issuer import ISSUER, DevelopmentIssuer
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import InvalidInputError, NotFoundError, SyncWellError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.sharding import bucket_of
from syncwell.domain.source_events import SourceEvent
from syncwell.ports.connector import Callback, CompletedConsent, ConnectionView, Connector, Consent
from syncwell.ports.item_store import ItemStore
from syncwell.ports.job_queue import JobQueue
from syncwell.ports.source_events import SourceEvents
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.registry import InstalledProviders
from syncwell.providers.strava.settings import strava_settings
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.identities import Identities
from syncwell.repositories.needs import Needs
from syncwell.runtime.history import NoHistory
from syncwell.usecases.accept_events import AcceptEvents
from tests.integration.gateway.contract import Contract
from tests.unit.fakes.clock import FakeClock

WEBHOOK_KEY = b"w" * 32


class RowsConnector(Connector):
    """Keeps the promises of the port with rows alone; the state is the user's id."""

    def __init__(self, accounts: Accounts, clock: FakeClock) -> None:
        self.accounts = accounts
        self.clock = clock
        self.calls: list[str] = []
        self.failure: SyncWellError | None = None
        self.codes: dict[ConnectionId, str] = {}

    async def begin(self, user_id: UserId, provider: str, *, redirect_uri: str) -> Consent:
        self._enter("begin")
        return Consent(f"https://{provider}.example/consent?redirect_uri={redirect_uri}", self.clock.now_ms() + 600_000)

    async def complete(self, provider: str, callback: Callback) -> CompletedConsent:
        self._enter("complete")
        if not callback.state.startswith("usr_"):
            raise InvalidInputError("this state is unknown", field="state")
        if callback.code == "known":
            return CompletedConsent(_view(await self.add(UserId(callback.state), provider, ConnectionStatus.ACTIVE)))
        connection = await self.add(UserId(callback.state), provider, ConnectionStatus.PENDING)
        code = self.codes[connection.connection_id] = secrets.token_urlsafe(16)
        return CompletedConsent(_view(connection), code, self.clock.now_ms() + 600_000)

    async def confirm(self, user_id: UserId, connection_id: ConnectionId, confirmation_code: str) -> ConnectionView:
        self._enter("confirm")
        if self.codes.get(connection_id) != confirmation_code:
            raise NotFoundError("no connection waits for this code")
        return _view(await self._move(user_id, connection_id, ConnectionStatus.ACTIVE))

    async def revoke(self, user_id: UserId, connection_id: ConnectionId) -> None:
        self._enter("revoke")
        await self._move(user_id, connection_id, ConnectionStatus.REVOKED)

    async def note_deauthorization(self, user_id: UserId, connection_id: ConnectionId) -> None:
        self._enter("note_deauthorization")
        await self._move(user_id, connection_id, ConnectionStatus.REVOKED)

    async def add(self, user_id: UserId, provider: str, status: ConnectionStatus) -> Connection:
        connection = Connection(
            connection_id=ConnectionId(f"conn_{uuid.uuid4()}"),
            user_id=user_id,
            provider=provider,
            external_user_id=uuid.uuid4().hex,
            display_name=f"Robin at {provider}",
            status=status,
            generation=1,
            version=1,
            created_at_ms=self.clock.now_ms(),
        )
        await self.accounts.save_connection(connection)
        return connection

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.failure is not None:
            raise self.failure

    async def _move(self, user_id: UserId, connection_id: ConnectionId, status: ConnectionStatus) -> Connection:
        stored = await self.accounts.load_connection(user_id, connection_id)
        if stored is None:
            raise NotFoundError("there is no such connection")
        moved = replace(stored, status=status, version=stored.version + 1)
        await self.accounts.save_connection(moved)
        return moved


class CountingEvents(SourceEvents):
    """Takes events as the coalescer does, in this process."""

    def __init__(self, accept: AcceptEvents) -> None:
        self._accept = accept
        self.taken: list[SourceEvent] = []
        self.failure: SyncWellError | None = None
        self.delay_seconds = 0.0

    async def accept(self, events: Sequence[SourceEvent]) -> None:
        await asyncio.sleep(self.delay_seconds)
        if self.failure is not None:
            raise self.failure
        await self._accept(events)
        self.taken.extend(events)


@dataclass(frozen=True)
class Reply:
    """An answer that kept the contract."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # reason: see the import
        return json.loads(self.body)


@dataclass
class Person:
    """Somebody with a token. Every answer is held to the OpenAPI document."""

    session: aiohttp.ClientSession
    url: str
    contract: Contract
    token: str = field(repr=False)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, body: object = None, *, key: str | None = None, **headers: str) -> Reply:
        return await self.change("POST", path, body, key=key, **headers)

    async def change(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **headers: str
    ) -> Reply:
        sent = {"Idempotency-Key": key or str(uuid.uuid4()), **headers}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        return await self.send(method, path, headers=sent, data=data)

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Reply:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent.update(headers or {})
        async with self.session.request(method, self.url + path, headers=sent, data=data) as answer:
            reply = Reply(answer.status, answer.headers, await answer.read())
        self.contract.check(method, path.partition("?")[0], reply.status, reply.headers, reply.body)
        return reply


@dataclass
class Bed:
    """The gateway, what stands behind it, and people."""

    session: aiohttp.ClientSession
    url: str
    clock: FakeClock
    items: ItemStore
    queue: JobQueue
    connector: RowsConnector
    source_events: CountingEvents
    issuer: DevelopmentIssuer
    contract: Contract
    checks: dict[str, bool]
    crowd: str = ""  # tells the people of one test from those of another

    def person(self, name: str) -> Person:
        token = self.issuer.mint(f"{name}-{self.crowd}", clock=self.clock, lifetime=timedelta(hours=1))
        return Person(self.session, self.url, self.contract, token)

    def nobody(self) -> Person:
        return Person(self.session, self.url, self.contract, "")

    async def user_id(self, person: Person) -> UserId:
        """Makes the person known, and tells their id as the store has it."""
        await person.get("/v1/connections")
        claims = json.loads(_unpadded(person.token.split(".")[1]))
        user_id = await Identities(self.items).load_user(ISSUER, claims["sub"])
        assert user_id is not None
        return user_id

    async def connected(self, person: Person) -> tuple[str, str]:
        """Gives the person an active Garmin and an active Strava."""
        user_id = await self.user_id(person)
        source = await self.connector.add(user_id, "garmin", ConnectionStatus.ACTIVE)
        destination = await self.connector.add(user_id, "strava", ConnectionStatus.ACTIVE)
        return source.connection_id, destination.connection_id


@asynccontextmanager
async def running_gateway(folder: Path, *, request_seconds: float = 10.0) -> AsyncIterator[Bed]:
    """Serves on a free port while the body runs."""
    clock = FakeClock()
    checks = {"store": True}

    async def store_check() -> bool:
        return checks["store"]

    async with Engine(folder / "store.db", clock) as engine, aiohttp.ClientSession() as session:
        transport = InProcessTransport(engine, clock)
        items, queue = EmbeddedItemStore(transport), EmbeddedJobQueue(transport)
        connector = RowsConnector(Accounts(items), clock)
        source_events = CountingEvents(AcceptEvents(Needs(items), clock, window=timedelta(seconds=60)))
        registry = InstalledProviders(
            [
                garmin_settings(client_id="id", client_secret="secret"),
                strava_settings(client_id="id", client_secret="s"),
            ],
            clock,
        )
        issuer = DevelopmentIssuer(folder)
        listener = bind("127.0.0.1", 0, backlog=128)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        edge = assemble(
            Collaborators(
                items=items,
                queue=queue,
                connector=connector,
                registry=registry,
                clock=clock,
                history=NoHistory(),
                issuers=[issuer.trusted()],
                bucket_of=lambda user_id: bucket_of(UserId(user_id)),
                job_id_key=b"k" * 32,
                public_url=url,
                request_seconds=request_seconds,
                source_events=source_events,
                webhooks_of=registry.webhooks,
                webhook_key=WEBHOOK_KEY,
                checks={"store": store_check},
            )
        )
        async with serving(edge, listener, connections_max=500, drain_seconds=2):
            yield Bed(session, url, clock, items, queue, connector, source_events, issuer, Contract(), checks)
        await registry.aclose()
        for client in (items, queue, transport):
            client.close()


def _view(connection: Connection) -> ConnectionView:
    return ConnectionView(
        connection.connection_id,
        connection.provider,
        connection.display_name,
        connection.status,
        connection.generation,
    )


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
