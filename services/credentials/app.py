"""The wiring of the credentials service."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom

import grpc

from services.credentials.revocation_sweep import sweep_revocations
from services.credentials.servicer import CredentialServicer
from services.credentials.settings import Settings
from syncwell.adapters.embedded.key_file_sealer import KeyFileSealer
from syncwell.api.credentials.v1 import credentials_pb2
from syncwell.api.credentials.v1.credentials_pb2_grpc import add_CredentialServiceServicer_to_server
from syncwell.ports.clock import Clock
from syncwell.ports.event_log import EventLog
from syncwell.ports.item_store import ItemStore
from syncwell.ports.metrics import NO_METRICS, Metrics
from syncwell.ports.roles import ProviderRegistry
from syncwell.providers.call_watch import CallWatch
from syncwell.providers.registry import InstalledProviders
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.consents import Consents
from syncwell.repositories.grants import Grants
from syncwell.repositories.outbox import Outbox
from syncwell.repositories.revocations import Revocations
from syncwell.runtime.backends import open_backends
from syncwell.runtime.caller_identity import CallerVerifier
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import serving, wait_for_stop
from syncwell.runtime.history import make_history
from syncwell.runtime.provider_settings import load_providers
from syncwell.runtime.settings import Profile
from syncwell.runtime.telemetry.telemetry import telemetry_of
from syncwell.usecases.begin_authorization import BeginAuthorization
from syncwell.usecases.complete_authorization import CompleteAuthorization
from syncwell.usecases.confirm_connection import ConfirmConnection
from syncwell.usecases.connection_events import ConnectionEvents
from syncwell.usecases.end_grants import EndGrants, RevocationTimes
from syncwell.usecases.issue_access_token import IssueAccessToken
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.refresh_grant import RefreshGrant, RefreshTimes
from syncwell.usecases.revoke_connection import RevokeConnection
from syncwell.usecases.token_cache import TokenCache

SERVICE = "credentials"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the edge needs: its servicer, what must drain, what runs beside."""

    servicer: CredentialServicer
    issue: IssueAccessToken
    end_grants: EndGrants


async def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; a refresh under way is stored before the process ends.

    Raises:
        SetupError: a provider's settings or the socket cannot be used.
    """
    clock = make_clock(settings)
    choice = load_providers(settings)
    async with (
        telemetry_of(settings, SERVICE) as telemetry,
        open_backends(settings, telemetry) as backends,
        _providers(
            InstalledProviders(
                choice.settings,
                clock,
                files_folder=settings.files_dir,
                watch=CallWatch(telemetry.metrics, telemetry.tracer),
            )
        ) as providers,
    ):
        parts = make_parts(settings, backends.items, backends.events, providers, clock, metrics=telemetry.metrics)

        def register(server: grpc.aio.Server) -> Sequence[str]:
            add_CredentialServiceServicer_to_server(parts.servicer, server)
            return [credentials_pb2.DESCRIPTOR.services_by_name["CredentialService"].full_name]

        async with (
            serving(
                settings.address_of(SERVICE),
                register,
                has_reflection=settings.profile is not Profile.PRODUCTION,
                drain_seconds=settings.drain_seconds,
                telemetry=telemetry,
            ),
            asyncio.TaskGroup() as tasks,
        ):
            every = timedelta(seconds=settings.revocation_sweep_seconds)
            sweep = tasks.create_task(sweep_revocations(parts.end_grants, clock, every=every), name="revocations")
            await wait_for_stop()
            sweep.cancel()
        await parts.issue.drain()


def make_parts(
    settings: Settings,
    items: ItemStore,
    event_log: EventLog,
    providers: ProviderRegistry,
    clock: Clock,
    *,
    metrics: Metrics = NO_METRICS,
) -> Parts:
    """Returns the use cases behind their edge."""
    history = make_history(settings, clock, SERVICE)
    crash_points = make_crash_points(settings)
    sealer = KeyFileSealer(settings.keys_dir)
    accounts, revocations = Accounts(items), Revocations(items)
    grants, consents = Grants(items, sealer), Consents(items, sealer)
    outbox = Outbox(items)
    publisher = PublishOutbox(outbox=outbox, event_log=event_log, clock=clock)
    events = ConnectionEvents(outbox, publisher, clock)
    revoke = RevokeConnection(items, accounts, grants, events=events, clock=clock, history=history)
    refresh = RefreshGrant(
        items,
        accounts,
        grants=grants,
        revocations=revocations,
        events=events,
        providers=providers,
        clock=clock,
        random_bytes=secrets.token_bytes,
        crash_points=crash_points,
        history=history,
        times=RefreshTimes(
            call=timedelta(seconds=settings.refresh_call_seconds),
            lease=timedelta(seconds=settings.refresh_lease_seconds),
            pause=timedelta(seconds=settings.refresh_pause_seconds),
        ),
    )
    complete = CompleteAuthorization(
        items,
        accounts,
        grants=grants,
        consents=consents,
        revoke=revoke,
        events=events,
        providers=providers,
        clock=clock,
        random_bytes=secrets.token_bytes,
        crash_points=crash_points,
        history=history,
    )
    issue = IssueAccessToken(
        accounts, grants, refresh=refresh, cache=TokenCache(clock, metrics=metrics), clock=clock, metrics=metrics
    )
    end_grants = EndGrants(
        revocations,
        grants,
        accounts,
        providers=providers,
        clock=clock,
        random=SystemRandom(),
        history=history,
        times=RevocationTimes(),
    )
    servicer = CredentialServicer(
        CallerVerifier(settings.keys_dir),
        begin=BeginAuthorization(consents, providers, clock, secrets.token_bytes),
        complete=complete,
        confirm=ConfirmConnection(items, accounts, grants, revoke=revoke, events=events, clock=clock, history=history),
        issue=issue,
        revoke=revoke,
    )
    return Parts(servicer, issue, end_grants)


@asynccontextmanager
async def _providers(providers: InstalledProviders) -> AsyncIterator[InstalledProviders]:
    try:
        yield providers
    finally:
        await providers.aclose()
