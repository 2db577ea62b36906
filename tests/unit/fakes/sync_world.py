"""Two small providers, a store and a queue: everything that a sync needs, in memory.

The destination behaves as real ones do where it matters: it takes whatever it is sent (also twice), shows new records
after a lag, and can lose the answer to a write.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import NotFoundError, ProviderInvalidAnswerError
from syncwell.domain.jobs import DateRange, Job, JobMode, JobRequest, Priority
from syncwell.domain.records import ConnectionId, DataType, EditableField, RecordId, RecordMetadata, Sport, UserId
from syncwell.domain.resolution import resolve
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.event_log import Event, EventLog, LoggedEvent
from syncwell.ports.history import History, Op
from syncwell.ports.job_queue import Delivery, JobClass, JobMessage, JobQueue
from syncwell.ports.roles import (
    Capabilities,
    Destination,
    OAuth,
    Provider,
    ProviderRegistry,
    ProviderResponse,
    ProviderSession,
    ProviderSessions,
    Source,
    SourcePage,
    Window,
    Written,
)
from syncwell.ports.sealer import Purpose, Sealer
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.cursors import Cursors
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import Ledger
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.accept_job import AcceptJob
from syncwell.usecases.build_sync import SyncPorts, build_sync
from syncwell.usecases.resolve_records import Resolve
from syncwell.usecases.run_sync import RunResult, RunSync
from syncwell.usecases.sync_limits import SyncLimits
from tests.unit.fakes.clock import FakeClock
from tests.unit.fakes.item_store import DictItemStore

USER = UserId("usr_1")
HOUR_MS = 3_600_000
LAG = timedelta(seconds=5)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the code under test may catch it."""


class FakeCrashPoints(CrashPoints):
    """Kills at one visit of one point."""

    def __init__(self, point: str = "", visit: int = 1) -> None:
        self.reached: list[str] = []
        self._point, self._visit = point, visit

    def reach(self, point: str) -> None:
        self.reached.append(point)
        if point == self._point and self.reached.count(point) == self._visit:
            raise Killed(point)


@dataclass
class ListHistory(History):
    """Keeps every line."""

    lines: list[tuple[Op, str, dict[str, str | int | bool | None]]] = field(default_factory=list)

    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        self.lines.append((op, kind, ids))

    def of(self, kind: str, op: Op) -> list[dict[str, str | int | bool | None]]:
        """Returns the ids of every line of a kind and phase."""
        return [ids for line_op, line_kind, ids in self.lines if (line_op, line_kind) == (op, kind)]


class ListQueue(JobQueue):
    """Remembers what was sent; `error` makes sending fail."""

    def __init__(self) -> None:
        self.sent: list[tuple[JobMessage, timedelta]] = []
        self.error: Exception | None = None

    async def send(self, messages: Sequence[JobMessage], *, delay: timedelta = timedelta(0)) -> None:
        if self.error is not None:
            raise self.error
        self.sent.extend((message, delay) for message in messages)

    async def receive(
        self, job_class: JobClass, *, limit: int, visibility: timedelta, wait: timedelta
    ) -> tuple[Delivery, ...]:
        return ()

    async def extend(self, receipts: Sequence[str], *, visibility: timedelta) -> None:
        return None

    async def delete(self, receipts: Sequence[str]) -> None:
        return None

    async def depth(self, job_class: JobClass) -> int:
        return len(self.sent)


class ListEventLog(EventLog):
    """Keeps events; `error` makes appending fail."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None

    async def append(self, events: Sequence[Event]) -> None:
        if self.error is not None:
            raise self.error
        self.events.extend(events)

    async def read(self, *, after: str | None, limit: int, wait: timedelta) -> tuple[LoggedEvent, ...]:
        return ()

    async def tail(self) -> str:
        return str(len(self.events))


class FixedSealer(Sealer):
    """Derives one key for everybody."""

    error: Exception | None = None

    async def seal(self, purpose: Purpose, plaintext: bytes, *, owner: str) -> bytes:
        return plaintext

    async def open(self, purpose: Purpose, sealed: bytes, *, owner: str) -> bytes:
        return sealed

    async def derive(self, purpose: Purpose, *, owner: str) -> bytes:
        if self.error is not None:
            raise self.error
        return bytes(range(32))


@dataclass(frozen=True)
class FakeSession(ProviderSession):
    """Knows whose it is and until when it may call."""

    connection: Connection
    deadline_ms: int

    @property
    def account(self) -> str:
        return self.connection.external_user_id

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        upload: tuple[str, bytes] | None = None,
        is_write: bool = False,
        body_bytes_max: int = 8_000_000,
    ) -> ProviderResponse:
        raise AssertionError("the fake roles make no calls")


class FakeSessions(ProviderSessions):
    """Opens fake sessions and keeps them."""

    def __init__(self) -> None:
        self.opened: list[FakeSession] = []

    def open(self, connection: Connection, *, priority: Priority, deadline_ms: int) -> ProviderSession:
        self.opened.append(FakeSession(connection, deadline_ms))
        return self.opened[-1]


@dataclass
class Held:
    """A record of an account. `visible_ms` is from when listings show it."""

    metadata: RecordMetadata
    visible_ms: int = 0
    changed_ms: int | None = None


class FakeAccount(Source, Destination):
    """An account that can be read and written.

    `fail` holds errors that coming calls of a name raise; `windows` are the listings that were asked for.
    """

    def __init__(self, clock: FakeClock, name: str) -> None:
        self.clock = clock
        self.name = name
        self.held: dict[RecordId, Held] = {}
        self.calls: list[str] = []
        self.windows: list[Window] = []
        self.fail: dict[str, list[Exception]] = {}
        self.page_size = 500
        self.lag = timedelta(0)
        self.gone: set[RecordId] = set()
        self.lists_by_change_time = False
        self.can_delete = False
        self.gate: asyncio.Event | None = None

    def add(self, record: RecordMetadata, *, changed_ms: int | None = None) -> None:
        """Puts a record there as its owner would, when it started or at `changed_ms`."""
        self.held[record.record_id] = Held(record, changed_ms=changed_ms)

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        return any(held.metadata.start_ms >= since_ms for held in self.held.values())

    async def fetch_metadata(
        self, session: ProviderSession, data_type: DataType, window: Window, *, cursor: str | None = None
    ) -> SourcePage:
        self._call("list")
        if cursor is None:
            self.windows.append(window)
        now_ms = self.clock.now_ms()
        found = [
            held.metadata
            for held in self.held.values()
            if window.start_ms <= self._listed_at_ms(held) < window.end_ms and held.visible_ms <= now_ms
        ]
        start = int(cursor or 0)
        end = start + self.page_size
        return SourcePage(tuple(found[start:end]), str(end) if end < len(found) else None)

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        self._call("payloads")
        for record in records:
            self._call(f"payload {record.record_id}")
            held = self.held.get(record.record_id)
            is_gone = held is None or record.record_id in self.gone
            yield record.record_id, None if is_gone or held is None else workout_of(held.metadata)

    async def write(self, session: ProviderSession, workout: CanonicalWorkout, *, external_id: str) -> Written:
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        self._call("write")
        record_id = RecordId(f"{self.name}-{len(self.held) + 1}")
        metadata = metadata_of(
            record_id,
            workout.start_time.ToMilliseconds(),
            elapsed_ms=workout.elapsed_ms,
            title=workout.title,
            external_id=external_id,
        )
        visible_ms = self.clock.now_ms() + self.lag // timedelta(milliseconds=1)
        self.held[record_id] = Held(metadata, visible_ms)
        self._call("written")
        return Written(record_id, metadata.version)

    async def find(self, session: ProviderSession, *, external_id: str, window: Window) -> Written | None:
        self._call("find")
        for record_id, held in self.held.items():
            if held.metadata.external_id == external_id and held.visible_ms <= self.clock.now_ms():
                return Written(record_id, held.metadata.version)
        return None

    async def update(
        self, session: ProviderSession, record_id: RecordId, fields: Mapping[EditableField, str]
    ) -> Written:
        self._call("update")
        held = self.held[record_id]
        title = fields.get(EditableField.TITLE, held.metadata.title)
        held.metadata = replace(held.metadata, version=held.metadata.version + "+", title=title)
        return Written(record_id, held.metadata.version)

    async def delete(self, session: ProviderSession, record_id: RecordId) -> None:
        self._call("delete")
        self.held.pop(record_id, None)
        self._call("deleted")

    def _listed_at_ms(self, held: Held) -> int:
        if self.lists_by_change_time and held.changed_ms is not None:
            return held.changed_ms
        return held.metadata.start_ms

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fail.get(name):
            raise self.fail[name].pop(0)


class FakeProvider(Provider):
    """A provider with one account."""

    def __init__(self, capabilities: Capabilities, account: FakeAccount) -> None:
        self._capabilities = capabilities
        self._account = account

    @property
    def capabilities(self) -> Capabilities:
        account = self._account
        return replace(
            self._capabilities, lists_by_change_time=account.lists_by_change_time, can_delete=account.can_delete
        )

    @property
    def oauth(self) -> OAuth | None:
        return None

    @property
    def source(self) -> Source | None:
        return self._account

    @property
    def destination(self) -> Destination | None:
        return self._account


class FakeRegistry(ProviderRegistry):
    """The providers of a world."""

    def __init__(self, *providers: Provider) -> None:
        self._providers = {provider.capabilities.provider: provider for provider in providers}

    def get(self, provider: str) -> Provider:
        if provider not in self._providers:
            raise NotFoundError("no such provider")
        return self._providers[provider]

    def all(self) -> Sequence[Provider]:
        return [self._providers[name] for name in sorted(self._providers)]


class SyncWorld:
    """One person with accounts a, b and c, and workers that come and go."""

    def __init__(self, limits: SyncLimits | None = None) -> None:
        self.clock = FakeClock()
        self.store = DictItemStore()
        self.queue = ListQueue()
        self.event_log = ListEventLog()
        self.history = ListHistory()
        self.sealer = FixedSealer()
        self.sessions = FakeSessions()
        self.limits = limits or SyncLimits()
        self.accounts = {name: FakeAccount(self.clock, name) for name in ("a", "b", "c")}
        self.registry = FakeRegistry(*(FakeProvider(_capabilities(name), one) for name, one in self.accounts.items()))
        self.accounts_rows = Accounts(self.store)
        self.jobs = Jobs(self.store)
        self.ledger = Ledger(self.store)
        self.decisions = Decisions(self.store)
        self.cursors = Cursors(self.store)
        self.outbox = Outbox(self.store)
        self.accept_job = AcceptJob(
            jobs=self.jobs,
            accounts=self.accounts_rows,
            registry=self.registry,
            queue=self.queue,
            clock=self.clock,
            history=self.history,
            id_key=b"k" * 32,
        )
        self._keys = 0

    async def connect(self, *, status: ConnectionStatus = ConnectionStatus.ACTIVE, name: str = "") -> None:
        """Stores the person's connections, or changes the status of one."""
        for one in (name,) if name else self.accounts:
            connection_id = ConnectionId(f"conn-{one}")
            stored = await self.accounts_rows.load_connection(USER, connection_id)
            version = 1 if stored is None else stored.version + 1
            await self.accounts_rows.save_connection(
                Connection(connection_id, USER, one, f"ext-{one}", one, status, 1, version, self.clock.now_ms())
            )

    async def accept(
        self,
        source: str = "a",
        destination: str = "b",
        *,
        is_dry_run: bool = False,
        date_range: DateRange | None = None,
    ) -> Job:
        """Accepts a job under a new key."""
        self._keys += 1
        request = request_of(source, destination, is_dry_run=is_dry_run, date_range=date_range)
        accepted = await self.accept_job.accept(request, route="r", idempotency_key=f"key-{self._keys}")
        return accepted.job

    def worker(
        self, name: str = "w1", crash_points: CrashPoints | None = None, *, resolve: Resolve = resolve
    ) -> RunSync:
        """Returns a worker."""
        ports = SyncPorts(
            items=self.store,
            registry=self.registry,
            sessions=self.sessions,
            sealer=self.sealer,
            event_log=self.event_log,
            clock=self.clock,
            random=Random(7),
            history=self.history,
            crash_points=crash_points or FakeCrashPoints(),
            resolve=resolve,
        )
        return build_sync(ports, limits=self.limits, owner=name)

    async def run(self, job: Job, worker: RunSync | None = None) -> RunResult:
        """Runs a job once."""
        return await (worker or self.worker()).run(USER, job.job_id)

    async def sync(self, source: str = "a", destination: str = "b") -> Job:
        """Accepts a job and runs it; returns it as stored then."""
        job = await self.accept(source, destination)
        await self.run(job)
        return await self.stored(job)

    async def stored(self, job: Job) -> Job:
        """Returns the row of a job."""
        found = await self.jobs.load(USER, job.job_id, now_ms=self.clock.now_ms())
        assert found is not None
        return found


def request_of(
    source: str = "a", destination: str = "b", *, is_dry_run: bool = False, date_range: DateRange | None = None
) -> JobRequest:
    """Returns a request between two accounts of a world."""
    return JobRequest(
        USER,
        ConnectionId(f"conn-{source}"),
        ConnectionId(f"conn-{destination}"),
        DataType.WORKOUT,
        JobMode.HISTORICAL if date_range else JobMode.MANUAL,
        date_range=date_range,
        is_dry_run=is_dry_run,
    )


def metadata_of(
    record_id: str,
    start_ms: int,
    *,
    elapsed_ms: int = HOUR_MS,
    title: str = "Ride",
    version: str = "1",
    external_id: str = "",
    modified_ms: int | None = None,
) -> RecordMetadata:
    """Returns a ride."""
    return RecordMetadata(
        RecordId(record_id),
        DataType.WORKOUT,
        Sport.RIDE,
        start_ms,
        elapsed_ms,
        version,
        moving_ms=elapsed_ms,
        distance_m=elapsed_ms / 150,
        external_id=external_id,
        title=title,
        modified_ms=modified_ms,
    )


def workout_of(record: RecordMetadata) -> CanonicalWorkout:
    """Returns the full workout of a ride."""
    if record.title == "broken":
        raise ProviderInvalidAnswerError("not a workout", record_id=record.record_id)
    workout = CanonicalWorkout(sport=int(record.sport), elapsed_ms=record.elapsed_ms, title=record.title)  # type: ignore[arg-type]  # a protobuf enum is an int
    workout.start_time.FromMilliseconds(record.start_ms)
    return workout


def _capabilities(name: str) -> Capabilities:
    return Capabilities(
        provider=name,
        display_name=name,
        readable=frozenset({DataType.WORKOUT}),
        writable=frozenset({DataType.WORKOUT}),
        updatable=frozenset({EditableField.TITLE}),
        visibility_lag=LAG,
    )
