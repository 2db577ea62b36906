"""The wiring of the coalescer."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta

import grpc
import structlog

from services.coalescer.servicer import CoalescerServicer
from services.coalescer.settings import Settings
from syncwell.adapters.private_file import load_or_create
from syncwell.api.coalescer.v1 import coalescer_pb2, coalescer_pb2_grpc
from syncwell.domain.errors import OutcomeUnknownError, UnavailableError
from syncwell.ports.clock import Clock
from syncwell.ports.history import History
from syncwell.ports.metrics import Metrics
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.needs import Needs
from syncwell.runtime.backends import Backends, open_backends
from syncwell.runtime.caller_identity import CallerVerifier
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import serving, wait_for_stop
from syncwell.runtime.history import make_history
from syncwell.runtime.telemetry.telemetry import telemetry_of
from syncwell.usecases.accept_events import AcceptEvents
from syncwell.usecases.coalescing_rules import CoalescingRules
from syncwell.usecases.due_sources import DueSources
from syncwell.usecases.make_source_job import MakeSourceJob

SERVICE = "coalescer"
JOB_ID_KEY_FILE = "job-ids.key"  # the same file for every service that makes jobs
JOB_ID_KEY_BYTES = 32

log = structlog.get_logger()


async def run(settings: Settings) -> None:
    """Serves until the process is asked to stop; timers that are set then are found again at the next start."""
    clock, history = make_clock(settings), make_history(settings, make_clock(settings), SERVICE)
    async with telemetry_of(settings, SERVICE) as telemetry, open_backends(settings, telemetry) as backends:
        needs = Needs(backends.items)
        make = make_maker(settings, backends, clock=clock, history=history, metrics=telemetry.metrics)
        due = DueSources(needs, clock, make.run)
        accept = AcceptEvents(
            needs,
            clock,
            make_crash_points(settings),
            window=timedelta(seconds=settings.window_seconds),
            on_due=due.note,
            history=history,
            metrics=telemetry.metrics,
        )
        servicer = CoalescerServicer(CallerVerifier(settings.keys_dir), accept, needs)

        def register(server: grpc.aio.Server) -> list[str]:
            coalescer_pb2_grpc.add_CoalescerServiceServicer_to_server(servicer, server)
            return [coalescer_pb2.DESCRIPTOR.services_by_name["CoalescerService"].full_name]

        await _restore(due)
        address = settings.address_of(SERVICE)
        async with (
            serving(address, register, drain_seconds=settings.drain_seconds, telemetry=telemetry),
            asyncio.TaskGroup() as tasks,
        ):
            timers = tasks.create_task(due.run(), name="due sources")
            await wait_for_stop()
            timers.cancel()


def make_maker(
    settings: Settings, backends: Backends, *, clock: Clock, history: History, metrics: Metrics
) -> MakeSourceJob:
    """Returns the use case that makes source jobs."""
    return MakeSourceJob(
        needs=Needs(backends.items),
        jobs=Jobs(backends.items),
        accounts=Accounts(backends.items),
        queue=backends.queue,
        clock=clock,
        history=history,
        id_key=load_or_create(settings.keys_dir / JOB_ID_KEY_FILE, lambda: secrets.token_bytes(JOB_ID_KEY_BYTES)),
        rules=CoalescingRules(window=timedelta(seconds=settings.window_seconds)),
        metrics=metrics,
    )


async def _restore(due: DueSources) -> None:
    try:
        log.info("timers_restored", count=await due.restore())
    except (UnavailableError, OutcomeUnknownError) as exc:
        log.warning("timers_not_restored", error=exc.code)  # the scheduler's sweep makes up for it
