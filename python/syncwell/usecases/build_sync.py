"""Joins the steps of a sync; every service that runs jobs builds them the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from syncwell.domain.resolution import resolve as resolve_natively
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.event_log import EventLog
from syncwell.ports.history import History
from syncwell.ports.item_store import ItemStore
from syncwell.ports.metrics import NO_METRICS, Metrics
from syncwell.ports.roles import ProviderRegistry, ProviderSessions
from syncwell.ports.sealer import Sealer
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.cursors import Cursors
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import Ledger
from syncwell.repositories.needs import Needs
from syncwell.repositories.outbox import Outbox
from syncwell.usecases.cancel_job import StopRun
from syncwell.usecases.coalescing_rules import CoalescingRules
from syncwell.usecases.commit_source import CommitSource
from syncwell.usecases.commit_sync import CommitSync
from syncwell.usecases.create_record import CreateRecord
from syncwell.usecases.fetch_payloads import FetchPayloads
from syncwell.usecases.job_writes import JobWrites
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.read_records import ReadRecords
from syncwell.usecases.recover_writes import RecoverWrites
from syncwell.usecases.resolve_records import Resolve, ResolveRecords
from syncwell.usecases.run_sync import RunSync, SyncParts
from syncwell.usecases.sync_limits import SyncLimits
from syncwell.usecases.sync_pair import LoadPair, OnConnection
from syncwell.usecases.sync_source import SyncSource
from syncwell.usecases.undo_sync import UndoSync
from syncwell.usecases.write_records import WriteRecords


@dataclass(frozen=True, slots=True)
class SyncPorts:
    """What a sync touches of the world.

    `visibility_lags` are by provider, where an installation's differs from the provider's own. `on_connection` is told
    of every connection as it was read at a claim.
    """

    items: ItemStore
    registry: ProviderRegistry
    sessions: ProviderSessions
    sealer: Sealer
    event_log: EventLog
    clock: Clock
    random: Random
    history: History
    crash_points: CrashPoints
    resolve: Resolve = resolve_natively
    visibility_lags: Mapping[str, timedelta] = field(default_factory=dict)
    on_connection: OnConnection | None = None
    metrics: Metrics = NO_METRICS
    coalescing: CoalescingRules = field(default_factory=CoalescingRules)


def build_sync(ports: SyncPorts, *, limits: SyncLimits, owner: str) -> RunSync:
    """Returns the use case; `owner` names this worker in the rows that it claims."""
    ledger, jobs = Ledger(ports.items), Jobs(ports.items)
    outbox, cursors = Outbox(ports.items), Cursors(ports.items)
    publish = PublishOutbox(
        outbox=outbox, event_log=ports.event_log, clock=ports.clock, crash_points=ports.crash_points
    )
    load_pair = _load_pair(ports)
    reader = ReadRecords(sessions=ports.sessions, clock=ports.clock, limits=limits)
    return RunSync(
        SyncParts(
            jobs=jobs,
            ledger=ledger,
            cursors=cursors,
            outbox=outbox,
            load_pair=load_pair,
            reader=reader,
            recover=_recover(ports, ledger, jobs, limits),
            resolve=ResolveRecords(reader=reader, ledger=ledger, clock=ports.clock, resolve=ports.resolve),
            write=_write(ports, ledger, limits),
            commit=_commit(ports, cursors, outbox, publish),
            source=_source(ports, load_pair, reader, publish, limits),
            stop=_stop(ports, ledger, outbox, publish),
            undo=_undo(ports, jobs, ledger, load_pair),
            publish=publish,
            clock=ports.clock,
            random=ports.random,
            history=ports.history,
            crash_points=ports.crash_points,
            limits=limits,
            owner=owner,
        )
    )


def _stop(ports: SyncPorts, ledger: Ledger, outbox: Outbox, publish: PublishOutbox) -> StopRun:
    return StopRun(
        writes=JobWrites(ledger, Accounts(ports.items)),
        decisions=Decisions(ports.items),
        outbox=outbox,
        publish=publish,
        clock=ports.clock,
        history=ports.history,
    )


def _undo(ports: SyncPorts, jobs: Jobs, ledger: Ledger, load_pair: LoadPair) -> UndoSync:
    return UndoSync(
        jobs=jobs,
        ledger=ledger,
        writes=JobWrites(ledger, Accounts(ports.items)),
        load_pair=load_pair,
        sessions=ports.sessions,
        clock=ports.clock,
        history=ports.history,
    )


def _load_pair(ports: SyncPorts) -> LoadPair:
    return LoadPair(
        accounts=Accounts(ports.items),
        registry=ports.registry,
        sealer=ports.sealer,
        visibility_lags=ports.visibility_lags,
        on_connection=ports.on_connection,
    )


def _recover(ports: SyncPorts, ledger: Ledger, jobs: Jobs, limits: SyncLimits) -> RecoverWrites:
    return RecoverWrites(
        sessions=ports.sessions,
        ledger=ledger,
        jobs=jobs,
        clock=ports.clock,
        history=ports.history,
        limits=limits,
    )


def _write(ports: SyncPorts, ledger: Ledger, limits: SyncLimits) -> WriteRecords:
    create = CreateRecord(
        sessions=ports.sessions,
        ledger=ledger,
        clock=ports.clock,
        history=ports.history,
        crash_points=ports.crash_points,
        limits=limits,
    )
    return WriteRecords(
        sessions=ports.sessions,
        ledger=ledger,
        clock=ports.clock,
        payloads=FetchPayloads(sessions=ports.sessions, limits=limits),
        create=create,
        limits=limits,
    )


def _commit(ports: SyncPorts, cursors: Cursors, outbox: Outbox, publish: PublishOutbox) -> CommitSync:
    return CommitSync(
        decisions=Decisions(ports.items),
        cursors=cursors,
        outbox=outbox,
        publish=publish,
        clock=ports.clock,
        history=ports.history,
        crash_points=ports.crash_points,
        metrics=ports.metrics,
    )


def _source(
    ports: SyncPorts, load_pair: LoadPair, reader: ReadRecords, publish: PublishOutbox, limits: SyncLimits
) -> SyncSource:
    needs, accounts, cursors = Needs(ports.items), Accounts(ports.items), Cursors(ports.items)
    commit = CommitSource(
        items=ports.items,
        needs=needs,
        accounts=accounts,
        decisions=Decisions(ports.items),
        cursors=cursors,
        outbox=Outbox(ports.items),
        publish=publish,
        clock=ports.clock,
        history=ports.history,
        crash_points=ports.crash_points,
        rules=ports.coalescing,
        metrics=ports.metrics,
    )
    return SyncSource(
        needs=needs,
        accounts=accounts,
        cursors=cursors,
        load_pair=load_pair,
        reader=reader,
        commit=commit,
        clock=ports.clock,
        history=ports.history,
        crash_points=ports.crash_points,
        limits=limits,
    )
