"""Runs a sandbox on a socket: inside this process for tests, or as a process of its own.

Example:
    async with serving(SandboxHost(StravaSandbox)) as url:
        ...  # point the adapter's base URL at `url`
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from syncwell.sandbox.control import PREFIX, ControlApi
from syncwell.sandbox.damage import DROP_KEY
from syncwell.sandbox.sandbox import Sandbox

STOP_SECONDS = 2
CONNECTIONS_WAITING = 1_024


class SandboxHost:
    """An application that serves a sandbox and can replace it by a fresh one."""

    def __init__(self, make: Callable[[], Sandbox]) -> None:
        self._make = make
        self._replaced = asyncio.Event()
        self._control: ASGIApp = Starlette(routes=ControlApi(lambda: self.sandbox, self.reset).routes())
        self._start()

    def _start(self) -> None:
        self.sandbox = self._make()
        self._provider: ASGIApp = Starlette(routes=self.sandbox.routes())

    async def run(self) -> None:
        """Does what the present sandbox does on its own, and after a reset what the next one does."""
        while True:
            self._replaced.clear()
            work = asyncio.create_task(self.sandbox.run(), name=f"{self.sandbox.provider}-events")
            try:
                await self._replaced.wait()
            finally:
                await _end(work)

    def reset(self) -> None:
        """Puts an empty sandbox in the place of the present one."""
        self.sandbox.close()
        self.sandbox.clock.restore()
        self._start()
        self._replaced.set()

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
    config = uvicorn.Config(host, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _DroppableProtocol(config=config, server_state=state, app_state={}), sock=listener
    )
    shown = f"[{address}]" if ":" in address else address
    work = asyncio.create_task(host.run(), name="sandbox")
    try:
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        server.close()
        await _end(work)
        await _hang_up(state)
        host.sandbox.close()


async def _end(work: asyncio.Task[None]) -> None:
    """Cancels the task and raises what it died of before, if it did."""
    work.cancel()
    [ended] = await asyncio.gather(work, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


async def _hang_up(state: ServerState) -> None:
    """Lets calls in progress end within `STOP_SECONDS`, then cuts every connection."""
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(list(state.tasks), timeout=STOP_SECONDS)
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)  # the loop closes the sockets in its next round


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
