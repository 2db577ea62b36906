"""A gRPC server as every service runs it: health, reflection, typed errors, ordered drain."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any  # reason: grpc.aio types handlers and requests as unknown objects

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from syncwell.adapters.grpc.channel import MESSAGE_BYTES_MAX
from syncwell.adapters.grpc.errors import status_of
from syncwell.api.telemetry.v1.telemetry_pb2_grpc import add_MetricsServiceServicer_to_server
from syncwell.domain.errors import SetupError, SyncWellError
from syncwell.runtime.telemetry.served_calls import MetricsServicer, ServedCalls
from syncwell.runtime.telemetry.telemetry import Telemetry

log = structlog.get_logger()


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns our errors into statuses with details; anything else into INTERNAL with a log line and no text."""

    def __init__(self, telemetry: Telemetry | None = None) -> None:
        self._calls = ServedCalls(telemetry)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],  # reason: see the import
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # reason: see the import
        """Wraps unary and server-streaming handlers."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                _guard_unary(handler.unary_unary, handler_call_details.method, self._calls),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(
                _guard_stream(handler.unary_stream, handler_call_details.method, self._calls),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return handler


@asynccontextmanager
async def serving(
    address: str,
    register: Callable[[grpc.aio.Server], Sequence[str]],
    *,
    has_reflection: bool = True,
    drain_seconds: float = 25.0,
    telemetry: Telemetry | None = None,
) -> AsyncIterator[grpc.aio.Server]:
    """Serves on `address` while the body runs, then drains.

    `register` adds the servicers and returns their full names, which appear in health and reflection. With
    `telemetry` calls are counted and traced, and the metrics can be collected.

    Raises:
        SetupError: the address is taken or cannot be used.
    """
    _remove_dead_socket(address)
    server = grpc.aio.server(
        interceptors=[ErrorInterceptor(telemetry)],
        options=(
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.so_reuseport", 0),
        ),
    )
    names = list(register(server))
    if telemetry is not None:
        add_MetricsServiceServicer_to_server(MetricsServicer(telemetry), server)
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    if has_reflection:
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    try:
        server.add_insecure_port(address)
    except RuntimeError as exc:
        raise _address_taken(address) from exc
    await server.start()
    for name in ["", *names]:
        await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", address=address)
    try:
        yield server
    finally:
        await health_servicer.enter_graceful_shutdown()
        await server.stop(grace=drain_seconds)


async def wait_for_stop() -> None:
    """Returns when SIGTERM or SIGINT asks this process to stop; a second signal ends it at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


def _guard_unary(
    behaviour: Callable[..., Awaitable[Any]], method: str, calls: ServedCalls
) -> Callable[..., Awaitable[Any]]:
    async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            with calls.watch(method, context.invocation_metadata()):
                return await behaviour(request, context)
        except SyncWellError as exc:
            await context.abort_with_status(rpc_status.to_status(status_of(exc)))
        except grpc.aio.AbortError:
            raise
        except Exception:  # the edge: the only place where unknown errors end
            log.exception("rpc_failed", method=method)
            await context.abort_with_status(rpc_status.to_status(status_of(_unknown_error())))

    return guarded


def _guard_stream(
    behaviour: Callable[..., AsyncIterator[Any]], method: str, calls: ServedCalls
) -> Callable[..., AsyncIterator[Any]]:
    async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        try:
            with calls.watch(method, context.invocation_metadata()):
                async for answer in behaviour(request, context):
                    yield answer
        except SyncWellError as exc:
            await context.abort_with_status(rpc_status.to_status(status_of(exc)))
        except grpc.aio.AbortError:
            raise
        except Exception:  # the edge: the only place where unknown errors end
            log.exception("rpc_failed", method=method)
            await context.abort_with_status(rpc_status.to_status(status_of(_unknown_error())))

    return guarded


def _unknown_error() -> SyncWellError:
    return SyncWellError("an internal error; it was logged under this call's correlation id")


def _remove_dead_socket(address: str) -> None:
    if not address.startswith("unix:"):
        return
    path = address.removeprefix("unix:")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(path) == 0:
            raise _address_taken(address)
    Path(path).unlink(missing_ok=True)


def _address_taken(address: str) -> SetupError:
    return SetupError(f"cannot listen on {address}: is another SyncWell running on this data directory?")
