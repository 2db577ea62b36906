"""The wiring of the store process."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from services.store.servicer import StoreServicer
from syncwell.adapters.embedded.commit_meter import CommitMeter
from syncwell.adapters.embedded.engine import Engine
from syncwell.adapters.embedded.in_process import InProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedJobQueue
from syncwell.api.store.v1 import store_pb2
from syncwell.api.store.v1.store_pb2_grpc import add_StoreServiceServicer_to_server
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import serving, wait_for_stop
from syncwell.runtime.history import make_history
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.telemetry.queue_depths import QueueDepths
from syncwell.runtime.telemetry.telemetry import telemetry_of

SERVICE = "store"


async def run(settings: InstallationSettings) -> None:
    """Serves until SIGTERM or SIGINT; everything acknowledged is on disk, whatever happens.

    Raises:
        SetupError: another store process runs, or its file or socket cannot be used.
    """
    prepare_directories(settings)
    clock = make_clock(settings)
    history = None if settings.history is None else make_history(settings, clock, SERVICE)
    crash_points = make_crash_points(settings)
    async with (
        telemetry_of(settings, SERVICE) as telemetry,
        Engine(
            settings.store_path,
            clock,
            crash_points=crash_points,
            history=history,
            meter=CommitMeter(telemetry.metrics, telemetry.tracer),
        ) as engine,
    ):
        transport = InProcessTransport(engine, clock)
        queue = EmbeddedJobQueue(transport)
        telemetry.before_collection.append(QueueDepths(queue, telemetry.metrics).refresh)

        def register(server: grpc.aio.Server) -> Sequence[str]:
            add_StoreServiceServicer_to_server(StoreServicer(engine, transport), server)
            return [store_pb2.DESCRIPTOR.services_by_name["StoreService"].full_name]

        address = settings.address_of(SERVICE)
        async with serving(address, register, drain_seconds=settings.drain_seconds, telemetry=telemetry):
            await wait_for_stop()
            engine.stop()  # long polls end now; what was accepted is committed and answered within the drain
        queue.close()
        transport.close()
