from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from syncwell.adapters.grpc.channel import open_channel
from syncwell.adapters.grpc.errors import error_of
from syncwell.api.coalescer.v1 import coalescer_pb2, coalescer_pb2_grpc
from syncwell.domain.errors import LimitExceededError, SetupError, SyncWellError, UnavailableError
from syncwell.runtime.grpc_server import serving

NAME = coalescer_pb2.DESCRIPTOR.services_by_name["CoalescerService"].full_name


class Failing(coalescer_pb2_grpc.CoalescerServiceServicer):
    async def AcceptEvents(self, request, context):  # type: ignore[no-untyped-def]  # reason: a servicer that only fails
        raise LimitExceededError("too many", field="events")

    async def GetNeed(self, request, context):  # type: ignore[no-untyped-def]  # reason: a servicer that only fails
        raise RuntimeError("secret inner text")


def register(server: grpc.aio.Server) -> list[str]:
    coalescer_pb2_grpc.add_CoalescerServiceServicer_to_server(Failing(), server)
    return [NAME]


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    address = f"unix:{tmp_path / 's.sock'}"
    async with serving(address, register, drain_seconds=0.1):
        channel = open_channel(address)
        yield channel
        await channel.close()


async def test_our_errors_cross_with_their_class(channel: grpc.aio.Channel) -> None:
    """A typed error of a servicer is the same typed error at the caller."""
    stub = coalescer_pb2_grpc.CoalescerServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.AcceptEvents(coalescer_pb2.AcceptEventsRequest(), timeout=5)

    error = error_of(caught.value, unavailable=UnavailableError)

    assert isinstance(error, LimitExceededError)
    assert error.fields["field"] == "events"


async def test_unknown_errors_tell_nothing(channel: grpc.aio.Channel) -> None:
    """A bug answers INTERNAL without the text of the exception."""
    stub = coalescer_pb2_grpc.CoalescerServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetNeed(coalescer_pb2.GetNeedRequest(), timeout=5)

    error = error_of(caught.value, unavailable=UnavailableError)

    assert type(error) is SyncWellError
    assert "secret" not in str(error)
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_health_and_reflection_name_the_service(channel: grpc.aio.Channel) -> None:
    """Standard tools can ask whether a service serves, and what it is."""
    health = health_pb2_grpc.HealthStub(channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service=NAME), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING

    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=5)
    names = {service.name async for reply in call for service in reply.list_services_response.service}
    assert {NAME, "grpc.health.v1.Health"} <= names


async def test_taken_address_is_a_set_up_error(channel: grpc.aio.Channel, tmp_path: Path) -> None:
    """A second server on a live socket is refused and does not steal it."""
    with pytest.raises(SetupError, match="another SyncWell"):
        async with serving(f"unix:{tmp_path / 's.sock'}", register):
            pass

    health = health_pb2_grpc.HealthStub(channel)
    assert (await health.Check(health_pb2.HealthCheckRequest(), timeout=5)).status == 1
