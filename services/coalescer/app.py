"""The wiring of the coalescer."""

from __future__ import annotations

import grpc

from services.coalescer.servicer import CoalescerServicer
from services.coalescer.settings import Settings
from syncwell.api.coalescer.v1 import coalescer_pb2, coalescer_pb2_grpc
from syncwell.repositories.needs import Needs
from syncwell.runtime.backends import open_backends
from syncwell.runtime.clock import make_clock
from syncwell.runtime.crash_points import make_crash_points
from syncwell.runtime.grpc_server import serving, wait_for_stop
from syncwell.usecases.accept_events import AcceptEvents


async def run(settings: Settings) -> None:
    """Serves until the process is asked to stop."""
    async with open_backends(settings) as backends:
        needs = Needs(backends.items)
        servicer = CoalescerServicer(AcceptEvents(needs, make_clock(settings), make_crash_points(settings)), needs)

        def register(server: grpc.aio.Server) -> list[str]:
            coalescer_pb2_grpc.add_CoalescerServiceServicer_to_server(servicer, server)
            return [coalescer_pb2.DESCRIPTOR.services_by_name["CoalescerService"].full_name]

        address = settings.address_of("coalescer")
        async with serving(address, register, drain_seconds=settings.drain_seconds):
            await wait_for_stop()
