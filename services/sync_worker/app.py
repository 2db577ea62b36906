"""The wiring of the sync worker."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from random import SystemRandom

import grpc

from services.sync_worker.consumer import Consumer
from services.sync_worker.job_meter import JobMeter
from services.sync_worker.servicer import SyncServicer
from services.sync_worker.settings import Settings
from syncwell.adapters.embedded.key_file_sealer import KeyFileSealer
from syncwell.adapters.grpc.channel import open_channel
from syncwell.adapters.grpc.credentials_client import GrpcTokenSource
from syncwell.adapters.private_file import load_or_create
from syncwell.api.sync.v1 import sync_pb2
from syncwell.api.sync.v1.sync_pb2_grpc import add_SyncServiceServicer_to_server
from syncwell.domain.connections import Connection
from syncwell.ports.clock import Clock
from syncwell.ports.history import History
from syncwell.ports.job_queue import JobClass
from syncwell.ports.metrics import NO_METRICS, Metrics
from syncwell.providers.call_watch import CallWatch
from syncwell.providers.registry import InstalledProviders
from syncwell.providers.session import MeteredSessions
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.runtime.backends import Backends, open_backends
from syncwell.runtime.caller_identity import CallerVerifier, load_identity
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import serving, wait_for_stop
from syncwell.runtime.history import make_history
from syncwell.runtime.provider_settings import ProviderChoice, load_providers
from syncwell.runtime.settings import Profile
from syncwell.runtime.telemetry.grpc_spans import TracedCalls
from syncwell.runtime.telemetry.telemetry import telemetry_of
from syncwell.usecases.accept_job import AcceptJob
from syncwell.usecases.build_sync import SyncPorts, build_sync
from syncwell.usecases.coalescing_rules import CoalescingRules
from syncwell.usecases.run_sync import RunSync
from syncwell.usecases.token_cache import TokenCache

SERVICE = "sync_worker"
JOB_ID_KEY_FILE = "job-ids.key"  # the same file for every service that accepts jobs
JOB_ID_KEY_BYTES = 32
CALLS_GRACE_SECONDS = 2.0  # calls are short; watchers come back to another worker
HAND_BACK_SECONDS = 5.0  # of the drain: what it takes to hand back the jobs that were not done in time


async def run(settings: Settings) -> None:
    """Serves and consumes until SIGTERM or SIGINT, then drains: jobs that are not done in time are handed back.

    Raises:
        SetupError: a provider's settings, a key file or the socket cannot be used.
    """
    clock = make_clock(settings)
    history = make_history(settings, clock, SERVICE)
    choice = load_providers(settings)
    async with AsyncExitStack() as stack:
        telemetry = await stack.enter_async_context(telemetry_of(settings, SERVICE))
        metrics, tracer = telemetry.metrics, telemetry.tracer
        backends = await stack.enter_async_context(open_backends(settings, telemetry))
        traced = [TracedCalls(tracer)] if tracer.is_on else []
        credentials = await stack.enter_async_context(
            open_channel(settings.address_of("credentials"), interceptors=traced)
        )
        watch = CallWatch(metrics, tracer)
        registry = InstalledProviders(choice.settings, clock, files_folder=settings.files_dir, watch=watch)
        stack.push_async_callback(registry.aclose)
        tokens = GrpcTokenSource(
            credentials, load_identity(settings.keys_dir, SERVICE), TokenCache(clock, metrics=metrics)
        )
        run_sync = make_run_sync(
            settings, backends, registry, tokens, clock=clock, history=history, choice=choice, metrics=metrics
        )
        servicer = make_servicer(settings, backends, registry, clock=clock, history=history)

        def register(server: grpc.aio.Server) -> Sequence[str]:
            add_SyncServiceServicer_to_server(servicer, server)
            return [sync_pb2.DESCRIPTOR.services_by_name["SyncService"].full_name]

        await stack.enter_async_context(
            serving(
                settings.address_of(SERVICE),
                register,
                has_reflection=settings.profile is not Profile.PRODUCTION,
                drain_seconds=CALLS_GRACE_SECONDS,
                telemetry=telemetry,
            )
        )
        await consume_until_stopped(
            make_consumers(settings, backends, run_sync, clock, JobMeter(metrics, tracer)), settings.drain_seconds
        )


def make_run_sync(
    settings: Settings,
    backends: Backends,
    registry: InstalledProviders,
    tokens: GrpcTokenSource,
    *,
    clock: Clock,
    history: History,
    choice: ProviderChoice,
    metrics: Metrics = NO_METRICS,
) -> RunSync:
    """Returns the use case that runs jobs."""

    def forget_older_tokens(connection: Connection) -> None:
        tokens.forget(connection.user_id, connection.connection_id, below_generation=connection.generation)

    ports = SyncPorts(
        items=backends.items,
        registry=registry,
        sessions=MeteredSessions(registry, tokens),
        sealer=KeyFileSealer(settings.keys_dir),
        event_log=backends.events,
        clock=clock,
        random=SystemRandom(),
        history=history,
        crash_points=make_crash_points(settings),
        visibility_lags=choice.visibility_lags,
        on_connection=forget_older_tokens,
        metrics=metrics,
        coalescing=CoalescingRules(window=timedelta(seconds=settings.window_seconds)),
    )
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return build_sync(ports, limits=settings.limits(), owner=owner)


def make_servicer(
    settings: Settings, backends: Backends, registry: InstalledProviders, *, clock: Clock, history: History
) -> SyncServicer:
    """Returns the gRPC edge."""
    jobs = Jobs(backends.items)
    key = load_or_create(settings.keys_dir / JOB_ID_KEY_FILE, lambda: secrets.token_bytes(JOB_ID_KEY_BYTES))
    accept = AcceptJob(
        jobs=jobs,
        accounts=Accounts(backends.items),
        registry=registry,
        queue=backends.queue,
        clock=clock,
        history=history,
        id_key=key,
    )
    return SyncServicer(
        CallerVerifier(settings.keys_dir),
        accept=accept,
        jobs=jobs,
        decisions=Decisions(backends.items),
        clock=clock,
        watch_pause=timedelta(seconds=settings.watch_seconds),
    )


def make_consumers(
    settings: Settings, backends: Backends, run_sync: RunSync, clock: Clock, meter: JobMeter | None = None
) -> list[Consumer]:
    """Returns one consumer a class; each has its own places, so that bulk never keeps people waiting."""
    places = {
        JobClass.INTERACTIVE: settings.interactive_jobs,
        JobClass.NORMAL: settings.normal_jobs,
        JobClass.BULK: settings.bulk_jobs,
    }
    return [
        Consumer(
            queue=backends.queue,
            runner=run_sync,
            clock=clock,
            job_class=job_class,
            jobs_at_once=jobs_at_once,
            batch=settings.batch_messages,
            lease=timedelta(seconds=settings.lease_seconds),
            wait=timedelta(seconds=settings.receive_seconds),
            meter=meter,
        )
        for job_class, jobs_at_once in places.items()
    ]


async def consume_until_stopped(consumers: Sequence[Consumer], drain_seconds: float) -> None:
    """Consumes until this process is asked to stop, then lets running jobs end or hands them back."""
    async with asyncio.TaskGroup() as tasks:
        taking = [tasks.create_task(consumer.consume()) for consumer in consumers]
        await wait_for_stop()
        for task in taking:
            task.cancel()
    within = max(0.0, drain_seconds - HAND_BACK_SECONDS)
    await asyncio.gather(*(consumer.drain(within_seconds=within) for consumer in consumers))
