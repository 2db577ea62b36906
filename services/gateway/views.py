"""How domain values look in JSON; each view is a schema of `openapi/spec.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from services.gateway.icons import Icons
from syncwell.domain.connections import Connection, ConnectionStatus, SyncConfig
from syncwell.domain.jobs import DateRange, Job, JobMode, JobState, Priority
from syncwell.domain.records import DataType, EditableField
from syncwell.domain.resolution import Decision, Outcome, Reason, Strategy
from syncwell.ports.connector import ConnectionView, Consent
from syncwell.ports.roles import Provider

DAY_MS = 86_400_000


class ProviderView(Struct, frozen=True, rename="camel"):
    """What a provider can do."""

    provider: str
    display_name: str
    provider_icon_url: str
    is_connectable: bool
    readable: Sequence[DataType]
    writable: Sequence[DataType]
    updatable: Sequence[EditableField]
    can_delete: bool
    refuses_duplicates: bool
    has_webhooks: bool


class LinkedAccountView(Struct, frozen=True, rename="camel"):
    """A connection as its owner sees it."""

    connection_id: str
    provider: str
    display_name: str
    provider_icon_url: str
    status: ConnectionStatus


class ConsentView(Struct, frozen=True, rename="camel"):
    """Where to send the person."""

    consent_url: str
    expires_at: datetime


class SyncConfigView(Struct, frozen=True, rename="camel"):
    """A standing wish."""

    config_id: str
    source_connection_id: str
    destination_connection_id: str
    data_type: DataType
    conflict_strategy: Strategy
    is_enabled: bool
    deletes: bool
    version: int


class ProgressView(Struct, frozen=True, rename="camel"):
    """Chunks of a job."""

    total_chunks: int
    processed_chunks: int
    failed_chunks: int


class CountsView(Struct, frozen=True, rename="camel"):
    """Records by outcome."""

    created: int
    updated: int
    merged: int
    skipped: int
    conflicted: int
    failed: int


class DateRangeView(Struct, frozen=True, rename="camel"):
    """Whole days, UTC, both included."""

    start_date: str
    end_date: str


class DecisionView(Struct, frozen=True, rename="camel"):
    """What became of one source record."""

    source_record_id: str
    outcome: Outcome
    reason: Reason
    evidence: Mapping[str, float | int | str]
    destination_record_id: str | UnsetType = UNSET
    score: float | UnsetType = UNSET


class JobView(Struct, frozen=True, rename="camel", kw_only=True):
    """A job as it stands; its decisions only where one job was asked for."""

    job_id: str
    status: JobState
    source_connection_id: str
    destination_connection_id: str | UnsetType = UNSET
    data_type: DataType
    mode: JobMode
    priority: Priority
    date_range: DateRangeView | UnsetType = UNSET
    dry_run: bool
    wait_reason: str | UnsetType = UNSET
    retry_at: datetime | UnsetType = UNSET
    failure_reason: str | UnsetType = UNSET
    attempts: int
    progress: ProgressView
    counts: CountsView
    created_at: datetime
    updated_at: datetime
    decisions: Sequence[DecisionView] | UnsetType = UNSET
    next_decisions_cursor: str | UnsetType = UNSET


def provider_view(provider: Provider, icons: Icons) -> ProviderView:
    """Returns a row of the capability table."""
    can = provider.capabilities
    return ProviderView(
        provider=can.provider,
        display_name=can.display_name,
        provider_icon_url=icons.url_of(can.provider),
        is_connectable=provider.oauth is not None,
        readable=sorted(can.readable),
        writable=sorted(can.writable),
        updatable=sorted(can.updatable),
        can_delete=can.can_delete,
        refuses_duplicates=can.refuses_duplicates,
        has_webhooks=can.has_webhooks,
    )


def connection_view(connection: Connection | ConnectionView, icons: Icons) -> LinkedAccountView:
    """Returns a connection without anything that only services need."""
    return LinkedAccountView(
        connection_id=connection.connection_id,
        provider=connection.provider,
        display_name=connection.display_name,
        provider_icon_url=icons.url_of(connection.provider),
        status=connection.status,
    )


def consent_view(consent: Consent) -> ConsentView:
    """Returns where to send the person."""
    return ConsentView(consent.url, _moment(consent.expires_at_ms))


def config_view(config: SyncConfig) -> SyncConfigView:
    """Returns a config."""
    return SyncConfigView(
        config_id=config.config_id,
        source_connection_id=config.source_connection_id,
        destination_connection_id=config.destination_connection_id,
        data_type=config.data_type,
        conflict_strategy=config.strategy,
        is_enabled=config.is_enabled,
        deletes=config.propagates_deletes,
        version=config.version,
    )


def job_view(job: Job) -> JobView:
    """Returns a job without its decisions."""
    request, counts, progress = job.request, job.counts, job.progress
    return JobView(
        job_id=job.job_id,
        status=job.state,
        source_connection_id=request.source_connection_id,
        destination_connection_id=UNSET if request.is_of_source else request.destination_connection_id,
        data_type=request.data_type,
        mode=request.mode,
        priority=request.priority,
        date_range=UNSET if request.date_range is None else _days(request.date_range),
        dry_run=request.is_dry_run,
        wait_reason=UNSET if job.wait_reason is None else job.wait_reason,
        retry_at=UNSET if job.retry_at_ms is None else _moment(job.retry_at_ms),
        failure_reason=UNSET if job.failure_reason is None else job.failure_reason,
        attempts=job.attempt,
        progress=ProgressView(progress.total_chunks, progress.processed_chunks, progress.failed_chunks),
        counts=CountsView(
            counts.created, counts.updated, counts.merged, counts.skipped, counts.conflicted, counts.failed
        ),
        created_at=_moment(job.created_at_ms),
        updated_at=_moment(job.updated_at_ms),
    )


def explained_job_view(job: Job, decisions: Sequence[Decision], cursor: str | None) -> JobView:
    """Returns a job with a page of its decisions."""
    return msgspec.structs.replace(
        job_view(job),
        decisions=[decision_view(each) for each in decisions],
        next_decisions_cursor=UNSET if cursor is None else cursor,
    )


def decision_view(decision: Decision) -> DecisionView:
    """Returns what became of one record."""
    return DecisionView(
        source_record_id=decision.source_id,
        outcome=decision.outcome,
        reason=decision.reason,
        evidence=decision.evidence,
        destination_record_id=UNSET if decision.destination_id is None else decision.destination_id,
        score=UNSET if decision.score is None else decision.score,
    )


def _days(asked: DateRange) -> DateRangeView:
    return DateRangeView(_day(asked.start_ms), _day(asked.end_ms - 1))


def _day(at_ms: int) -> str:
    return _moment(at_ms - at_ms % DAY_MS).date().isoformat()


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)
