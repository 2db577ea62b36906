"""The wiring of the scheduler: one instance holds every bucket of an embedded installation."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta

import grpc

from services.scheduler.servicer import SchedulerServicer
from services.scheduler.settings import Settings
from syncwell.adapters.private_file import load_or_create
from syncwell.api.scheduler.v1 import scheduler_pb2, scheduler_pb2_grpc
from syncwell.ports.clock import Clock
from syncwell.ports.crash_points import CrashPoints
from syncwell.ports.metrics import Metrics
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.needs import Needs
from syncwell.repositories.outbox import Outbox
from syncwell.runtime.backends import Backends, open_backends
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import serving, wait_for_stop
from syncwell.runtime.history import make_history
from syncwell.runtime.telemetry.telemetry import telemetry_of
from syncwell.usecases.coalescing_rules import CoalescingRules
from syncwell.usecases.make_source_job import MakeSourceJob
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.repair_needs import RepairNeeds
from syncwell.usecases.requeue_jobs import RequeueJobs
from syncwell.usecases.sweep import Sweep

JOB_ID_KEY_FILE = "job-ids.key"  # the same file for every service that makes jobs
JOB_ID_KEY_BYTES = 32


async def run(settings: Settings) -> None:
    """Sweeps until the process is asked to stop; a round under way is finished first."""
    clock = make_clock(settings)
    async with telemetry_of(settings, "scheduler") as telemetry, open_backends(settings, telemetry) as backends:
        repair = make_repair(settings, backends, clock=clock, metrics=telemetry.metrics)
        sweep = make_sweep(backends, clock, make_crash_points(settings), repair)

        def register(server: grpc.aio.Server) -> list[str]:
            scheduler_pb2_grpc.add_SchedulerServiceServicer_to_server(SchedulerServicer(sweep), server)
            return [scheduler_pb2.DESCRIPTOR.services_by_name["SchedulerService"].full_name]

        address = settings.address_of("scheduler")
        async with (
            serving(address, register, drain_seconds=settings.drain_seconds, telemetry=telemetry),
            asyncio.TaskGroup() as tasks,
        ):
            stop = asyncio.Event()
            tasks.create_task(_sweep_until(stop, sweep, clock, timedelta(seconds=settings.sweep_seconds)))
            await wait_for_stop()
            stop.set()


def make_repair(settings: Settings, backends: Backends, *, clock: Clock, metrics: Metrics) -> RepairNeeds:
    """Returns the use case that makes source jobs whose timer was lost."""
    needs = Needs(backends.items)
    make = MakeSourceJob(
        needs=needs,
        jobs=Jobs(backends.items),
        accounts=Accounts(backends.items),
        queue=backends.queue,
        clock=clock,
        history=make_history(settings, clock, "scheduler"),
        id_key=load_or_create(settings.keys_dir / JOB_ID_KEY_FILE, lambda: secrets.token_bytes(JOB_ID_KEY_BYTES)),
        rules=CoalescingRules(window=timedelta(seconds=settings.window_seconds)),
        metrics=metrics,
    )
    return RepairNeeds(needs, make.run, clock)


def make_sweep(backends: Backends, clock: Clock, crash_points: CrashPoints, repair: RepairNeeds) -> Sweep:
    """Returns the sweep over every bucket."""
    requeue = RequeueJobs(jobs=Jobs(backends.items), queue=backends.queue, clock=clock, crash_points=crash_points)
    publish = PublishOutbox(
        outbox=Outbox(backends.items), event_log=backends.events, clock=clock, crash_points=crash_points
    )
    return Sweep(requeue, publish, clock, held_shards=[0], shard_count=1, repair=repair)


async def _sweep_until(stop: asyncio.Event, sweep: Sweep, clock: Clock, every: timedelta) -> None:
    stopped = asyncio.ensure_future(stop.wait())
    while not stop.is_set():
        await sweep.run_once()
        pause = asyncio.ensure_future(clock.sleep(every))
        await asyncio.wait({pause, stopped}, return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()
