"""Runs an ASGI application on one socket until told to stop, and then drains."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from services.gateway.protocol import BoundedProtocol
from syncwell.domain.errors import SetupError

KEEP_ALIVE_SECONDS = 65  # longer than the idle time-out of common load balancers, so that they close first


def bind(host: str, port: int, *, backlog: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
        SetupError: the address is taken or not ours; the message names the variable to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise SetupError(
                f"port {port} on {host} is taken; stop what uses it or set SYNCWELL_GATEWAY_PORT to another",
                port=str(port),
            ) from exc
        raise SetupError(
            f"cannot listen on {host}:{port}: {exc.strerror}; set SYNCWELL_GATEWAY_HOST and SYNCWELL_GATEWAY_PORT"
        ) from exc
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def serving(
    app: ASGIApp, listener: socket.socket, *, connections_max: int, drain_seconds: float
) -> AsyncIterator[None]:
    """Serves while the body runs; then takes no more, finishes what runs within `drain_seconds`, and closes."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",  # what strangers send must not fill the log
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        limit_concurrency=connections_max,
        timeout_graceful_shutdown=max(1, int(drain_seconds)),
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield  # callers who come before the server has started wait in the listener's backlog
    finally:
        server.should_exit = True
        await task
        listener.close()


class _Server(uvicorn.Server):
    """Leaves signals to the process, which has more to close than this server."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Captures nothing."""
        yield
