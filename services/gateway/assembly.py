"""Puts the gateway together from its collaborators, whatever stands behind them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from services.gateway.admin_routes import AdminRoutes
from services.gateway.authoriser import Authoriser
from services.gateway.config_routes import ConfigRoutes
from services.gateway.connection_routes import ConnectionRoutes
from services.gateway.edge import Edge
from services.gateway.icons import Icons
from services.gateway.job_routes import JobRoutes
from services.gateway.metrics_routes import Collect, MetricsRoutes
from services.gateway.operations import Operation
from services.gateway.provider_routes import ProviderRoutes
from services.gateway.request_meter import RequestMeter
from services.gateway.system_routes import Check, SystemRoutes, load_document
from services.gateway.webhook_routes import WebhookRoutes, WebhooksOf
from syncwell.adapters.identity.identity import TrustedIssuer
from syncwell.adapters.identity.token_verifier import TokenVerifier
from syncwell.adapters.identity.verdict_cache import VerdictCache
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.ports.connector import Connector
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.ports.history import History
from syncwell.ports.item_store import ItemStore
from syncwell.ports.job_queue import JobQueue
from syncwell.ports.metrics import NO_METRICS, Metrics
from syncwell.ports.roles import ProviderRegistry
from syncwell.ports.source_events import SourceEvents
from syncwell.ports.tracer import NO_TRACER, Tracer
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.answers import Answers
from syncwell.repositories.audit_log import AuditLog
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.identities import Identities
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import Ledger
from syncwell.repositories.outbox import Outbox
from syncwell.repositories.subscriptions import Subscriptions
from syncwell.usecases.accept_job import AcceptJob
from syncwell.usecases.answer_decisions import AnswerDecisions
from syncwell.usecases.cancel_job import CancelJob
from syncwell.usecases.job_writes import JobWrites
from syncwell.usecases.keep_sync_configs import KeepSyncConfigs
from syncwell.usecases.recognise_user import RecogniseUser
from syncwell.usecases.redrive_dead_letters import RedriveDeadLetters
from syncwell.usecases.remember_answer import RememberAnswer
from syncwell.usecases.take_webhook import TakeWebhook
from syncwell.usecases.undo_job import UndoJob

FENCE_BITS = 62  # a random claim number; two live claims of one key never share it


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that the gateway needs from elsewhere."""

    items: ItemStore
    queue: JobQueue
    connector: Connector
    registry: ProviderRegistry
    clock: Clock
    history: History
    issuers: Sequence[TrustedIssuer]
    bucket_of: Callable[[str], int]
    job_id_key: bytes = field(repr=False)
    public_url: str
    request_seconds: float
    source_events: SourceEvents
    webhooks_of: WebhooksOf
    webhook_key: bytes = field(repr=False)
    checks: Mapping[str, Check]
    collectors: Mapping[str, Collect] = field(default_factory=dict)  # of metrics, by service
    metrics: Metrics = NO_METRICS
    tracer: Tracer = NO_TRACER
    crash_points: CrashPoints = field(default_factory=NoCrashPoints)
    app_url: str = ""


def assemble(parts: Collaborators) -> Edge:
    """Returns the ASGI application."""
    verifier = TokenVerifier(parts.issuers, parts.clock)
    recognise = RecogniseUser(Identities(parts.items), parts.clock, lambda: UserId(f"usr_{uuid.uuid4()}"))
    return Edge(
        make_operations(parts),
        authoriser=Authoriser(verifier, VerdictCache(parts.clock, metrics=parts.metrics), recognise),
        remember=RememberAnswer(
            Answers(parts.items, parts.clock),
            lambda: secrets.randbits(FENCE_BITS),
            crash_points=parts.crash_points,
        ),
        random=Random().random,  # noqa: S311 - spreads retries; nothing secret depends on it
        new_trace=lambda: secrets.token_hex(16),
        request_seconds=parts.request_seconds,
        meter=RequestMeter(parts.metrics),
        tracer=parts.tracer,
    )


def make_operations(parts: Collaborators) -> Sequence[Operation]:
    """Returns every operation that the gateway serves."""
    accounts = Accounts(parts.items)
    jobs = Jobs(parts.items, bucket_of=parts.bucket_of)
    icons = Icons.load(provider.capabilities.provider for provider in parts.registry.all())
    accept_job = AcceptJob(
        jobs=jobs,
        accounts=accounts,
        registry=parts.registry,
        queue=parts.queue,
        clock=parts.clock,
        history=parts.history,
        id_key=parts.job_id_key,
        crash_points=parts.crash_points,
    )
    return (
        *ProviderRoutes(parts.registry, icons).operations(),
        *ConnectionRoutes(
            accounts, parts.connector, parts.registry, icons, public_url=parts.public_url, app_url=parts.app_url
        ).operations(),
        *ConfigRoutes(accounts, KeepSyncConfigs(accounts, parts.registry)).operations(),
        *_job_routes(parts, jobs, accounts, accept_job).operations(),
        *_webhook_routes(parts, accounts).operations(),
        *_admin_routes(parts, jobs).operations(),
        *SystemRoutes(load_document(), parts.checks).operations(),
        *MetricsRoutes(parts.collectors).operations(),
    )


def _webhook_routes(parts: Collaborators, accounts: Accounts) -> WebhookRoutes:
    take = TakeWebhook(
        accounts=accounts,
        subscriptions=Subscriptions(parts.items),
        events=parts.source_events,
        connector=parts.connector,
        clock=parts.clock,
        metrics=parts.metrics,
    )
    return WebhookRoutes(take, parts.webhooks_of, key=parts.webhook_key)


def _job_routes(parts: Collaborators, jobs: Jobs, accounts: Accounts, accept_job: AcceptJob) -> JobRoutes:
    ledger, decisions, clock = Ledger(parts.items), Decisions(parts.items), parts.clock
    writes = JobWrites(ledger, accounts)
    return JobRoutes(
        accept_job,
        jobs,
        decisions,
        clock,
        cancel_job=CancelJob(
            jobs=jobs,
            writes=writes,
            decisions=decisions,
            outbox=Outbox(parts.items),
            clock=clock,
            history=parts.history,
        ),
        undo_job=UndoJob(
            accept=accept_job, jobs=jobs, accounts=accounts, writes=writes, registry=parts.registry, clock=clock
        ),
        answer_decisions=AnswerDecisions(
            accept=accept_job, jobs=jobs, accounts=accounts, decisions=decisions, ledger=ledger, clock=clock
        ),
    )


def _admin_routes(parts: Collaborators, jobs: Jobs) -> AdminRoutes:
    letters = DeadLetters(parts.items)
    redrive = RedriveDeadLetters(
        letters=letters, jobs=jobs, audit_log=AuditLog(parts.items), clock=parts.clock, history=parts.history
    )
    return AdminRoutes(letters, redrive)
