"""Channels to the other services, and the metadata that every call carries."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

import grpc

from syncwell.ports.tracer import current_parent

USER_KEY = "x-syncwell-user"
CALLER_KEY = "x-syncwell-caller"
AUTHORIZATION_KEY = "authorization"
CORRELATION_KEY = "x-syncwell-correlation"
TRACE_PARENT_KEY = "traceparent"  # W3C Trace Context, level 1

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

MESSAGE_BYTES_MAX = 8 * 1024 * 1024


def open_channel(address: str, *, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()) -> grpc.aio.Channel:
    """Returns a channel to `address` (`unix:/path` or `host:port`); create it inside the running loop."""
    return grpc.aio.insecure_channel(
        address,
        interceptors=list(interceptors),
        options=(
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ),
    )


def call_metadata(*, user_id: str = "", identity: tuple[str, str] | None = None) -> Sequence[tuple[str, str]]:
    """Returns metadata for one call: the user, the calling service's (name, key), the trace."""
    metadata = []
    if user_id:
        metadata.append((USER_KEY, user_id))
    if identity is not None:
        metadata.append((CALLER_KEY, identity[0]))
        metadata.append((AUTHORIZATION_KEY, f"Bearer {identity[1]}"))
    if trace := correlation_id.get():
        metadata.append((CORRELATION_KEY, trace))
    if parent := current_parent.get():
        metadata.append((TRACE_PARENT_KEY, parent))
    return metadata
