"""Runs a sandbox on a socket: inside this process for tests, or as a process of its own.

Example:
    async with serving(SandboxHost(StravaSandbox)) as url:
        ...  # point the adapter's base URL at `url`
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncwell.sandbox.control import PREFIX, ControlApi
from syncwell.sandbox.damage import DROP_KEY
from syncwell.sandbox.sandbox import Sandbox

STOP_SECONDS = 2
CONNECTIONS_WAITING = 1_024


class SandboxHost:
    """An application that serves a sandbox and can replace it by a fresh one."""

    def __init__(self, make: Callable[[], Sandbox]) -> None:
        self._make = make
        self._control: ASGIApp = Starlette(routes=ControlApi(lambda: self.sandbox, self.reset).routes())
        self._start()

    def _start(self) -> None:
        self.sandbox = self._make()
        self._provider: ASGIApp = Starlette(routes=self.sandbox.routes())

    def reset(self) -> None:
        """Puts an empty sandbox in the place of the present one."""
        self.sandbox.close()
        self.sandbox.clock.restore()
        self._start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        is_control = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._control if is_control else self._provider)(scope, receive, send)


@asynccontextmanager
async def serving(host: SandboxHost, *, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves `host` until the block ends and yields its base URL, without a slash at the end.

    Raises:
        OSError: the port is taken.
    """
    listener = _listen(address, port)
    config = uvicorn.Config(
        host,
        http=_DroppableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = _QuietServer(config)
    shown = f"[{address}]" if ":" in address else address
    task = asyncio.create_task(server.serve(sockets=[listener]), name="sandbox")
    try:
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()
        host.sandbox.close()


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, else asyncio leaves Nagle on
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(CONNECTIONS_WAITING)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


class _QuietServer(uvicorn.Server):
    """Leaves signals to the process that runs it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _DroppableProtocol(HttpToolsProtocol):
    """Hands each request the means to cut its own connection, which faults need."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: uvicorn's own arguments pass through untouched
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[DROP_KEY] = self._drop
            await inner(scope, receive, send)

        self.app = app

    def _drop(self) -> None:
        self.transport.abort()
