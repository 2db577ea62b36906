"""The use cases of the credentials service over fakes."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from random import Random

from syncwell.api.events.v1 import events_pb2
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.roles import TokenGrant
from syncwell.repositories.accounts import Accounts, ExternalOwner, connection_put, owner_put
from syncwell.repositories.consents import Consents
from syncwell.repositories.grants import Confirmation, GrantRow, Grants, grant_put
from syncwell.repositories.outbox import Outbox
from syncwell.repositories.revocations import Revocations
from syncwell.usecases.begin_authorization import BeginAuthorization
from syncwell.usecases.complete_authorization import CONFIRMATION_LIFE, CompleteAuthorization
from syncwell.usecases.confirm_connection import ConfirmConnection
from syncwell.usecases.connection_events import ConnectionEvents
from syncwell.usecases.end_grants import EndGrants, RevocationTimes
from syncwell.usecases.issue_access_token import IssueAccessToken
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.refresh_grant import RefreshGrant, RefreshTimes
from syncwell.usecases.revoke_connection import RevokeConnection
from syncwell.usecases.token_cache import TokenCache
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.history import FakeCrashPoints, MemoryHistory
from tests.unit.fakes.item_store import DictItemStore
from tests.unit.fakes.oauth import LIFE, FakeRegistry
from tests.unit.fakes.sealer import FakeSealer
from tests.unit.fakes.sync_world import ListEventLog

USER = UserId("usr_1")
STRANGER = UserId("usr_2")
REDIRECT = "https://syncwell.example/v1/connections/strava/callback"
CONNECTION_ID = ConnectionId("conn_1")
CODE = "code-of-the-browser"


class Kit:
    """One store, one provider, and as many service processes as a test wants."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.items = DictItemStore()
        self.sealer = FakeSealer()
        self.providers = FakeRegistry(self.clock)
        self.oauth = self.providers.strava
        self.history = MemoryHistory()
        self.crash_points = FakeCrashPoints()
        self.accounts = Accounts(self.items)
        self.grants = Grants(self.items, self.sealer)
        self.consents = Consents(self.items, self.sealer)
        self.revocations = Revocations(self.items)
        self._random = random.Random(1)
        self.begin = BeginAuthorization(self.consents, self.providers, self.clock, self._random.randbytes)
        self.event_log = ListEventLog()
        outbox = Outbox(self.items)
        self.publish = PublishOutbox(outbox=outbox, event_log=self.event_log, clock=self.clock)
        self.events = ConnectionEvents(outbox, self.publish, self.clock)
        self.revoke = RevokeConnection(
            self.items, self.accounts, self.grants, events=self.events, clock=self.clock, history=self.history
        )
        self.complete = CompleteAuthorization(
            self.items,
            self.accounts,
            grants=self.grants,
            consents=self.consents,
            revoke=self.revoke,
            events=self.events,
            providers=self.providers,
            clock=self.clock,
            random_bytes=self._random.randbytes,
            crash_points=self.crash_points,
            history=self.history,
        )
        self.confirm = ConfirmConnection(
            self.items,
            self.accounts,
            self.grants,
            revoke=self.revoke,
            events=self.events,
            clock=self.clock,
            history=self.history,
        )
        self.refresh = self.new_refresh()
        self.end_grants = EndGrants(
            self.revocations,
            self.grants,
            self.accounts,
            providers=self.providers,
            clock=self.clock,
            random=Random(1),
            history=self.history,
            times=RevocationTimes(),
        )

    def new_refresh(self, times: RefreshTimes | None = None) -> RefreshGrant:
        """Returns the refresher of one process."""
        return RefreshGrant(
            self.items,
            self.accounts,
            grants=self.grants,
            revocations=self.revocations,
            events=self.events,
            providers=self.providers,
            clock=self.clock,
            random_bytes=self._random.randbytes,
            crash_points=self.crash_points,
            history=self.history,
            times=times or RefreshTimes(),
        )

    def new_process(self) -> IssueAccessToken:
        """Returns what hands out tokens in one process, with a cache of its own."""
        refresh = self.new_refresh()
        return IssueAccessToken(
            self.accounts, self.grants, refresh=refresh, cache=TokenCache(self.clock), clock=self.clock
        )

    async def seed(
        self,
        *,
        status: ConnectionStatus = ConnectionStatus.ACTIVE,
        left: timedelta = LIFE,
    ) -> GrantRow:
        """Stores a connection of generation 1 whose token has `left` to live; a pending one waits for `CODE`."""
        connection = Connection(CONNECTION_ID, USER, "strava", "77", "Ann", status, 1, 1, self.clock.now_ms())
        expires_at_ms = self.clock.now_ms() + int(left.total_seconds() * 1000)
        grant = TokenGrant("access-0", "refresh-0", expires_at_ms)
        issued_at_ms = expires_at_ms - int(LIFE.total_seconds() * 1000)
        until_ms = self.clock.now_ms() + CONFIRMATION_LIFE // timedelta(milliseconds=1)
        is_pending = status is ConnectionStatus.PENDING
        confirmation = Confirmation.of(CODE, expires_at_ms=until_ms) if is_pending else None
        row = await self.grants.seal(connection, grant, now_ms=issued_at_ms, version=1, confirmation=confirmation)
        owner = ExternalOwner("strava", "77", USER, CONNECTION_ID, 1)
        await self.items.transact([connection_put(connection), grant_put(row), owner_put(owner)])
        return row

    def told(self) -> list[str]:
        """Returns the states of connections that the event log tells of, in order."""
        bodies = (events_pb2.Event.FromString(event.body) for event in self.event_log.events)
        return [body.connection_updated.status for body in bodies]

    async def connection(self) -> Connection:
        """Returns the seeded connection as it is now."""
        found = await self.accounts.load_connection(USER, CONNECTION_ID)
        assert found is not None
        return found

    async def row(self) -> GrantRow:
        """Returns the seeded connection's grant row as it is now."""
        found = await self.grants.load(CONNECTION_ID)
        assert found is not None
        return found

    async def change_row(self, **changes: object) -> GrantRow:
        """Writes a changed row, as another process would."""
        present = await self.row()
        changed = replace(present, version=present.version + 1, **changes)  # type: ignore[arg-type]  # a test's shorthand
        await self.items.transact([grant_put(changed)])
        return changed
