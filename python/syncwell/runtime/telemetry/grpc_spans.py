"""Client spans around gRPC calls, and the trace parent in their metadata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # reason: grpc.aio types calls and requests as unknown objects

import grpc

from syncwell.adapters.grpc.channel import TRACE_PARENT_KEY
from syncwell.ports.tracer import SpanKind, Tracer, current_parent


class TracedCalls(grpc.aio.UnaryUnaryClientInterceptor):
    """Wraps unary calls that belong to a trace; the others (health, store batches) pass."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],  # reason: see the import
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,  # reason: see the import
    ) -> Any:  # reason: see the import
        """Makes the call inside a span."""
        if not current_parent.get():
            return await continuation(client_call_details, request)
        method = client_call_details.method
        name = method.decode() if isinstance(method, bytes) else method
        with self._tracer.span(f"grpc {name.rpartition('.')[2]}", SpanKind.CLIENT) as span:
            kept = [pair for pair in client_call_details.metadata or () if pair[0] != TRACE_PARENT_KEY]
            metadata = grpc.aio.Metadata(*kept, (TRACE_PARENT_KEY, current_parent.get()))
            details = grpc.aio.ClientCallDetails(
                client_call_details.method,
                client_call_details.timeout,
                metadata,
                client_call_details.credentials,
                client_call_details.wait_for_ready,
            )
            call = await continuation(details, request)
            span.note(status=(await call.code()).name)
            return call
