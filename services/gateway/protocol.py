"""uvicorn's HTTP/1.1 protocol with two bounds that it lacks: the size of a request's head, and the time to send it."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 64 * 1024  # more than one read of the socket, so that a body that follows is never taken for it
HEAD_SECONDS_MAX = 10.0


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request head is too large or does not come to its end in time."""

    _head_byte_count = 0
    _is_in_head = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # reason: as uvicorn has it
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._begin_head()

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to a head that is not complete yet."""
        if not self._is_in_head and (self.cycle is None or self.cycle.response_complete):
            self._begin_head()
        if self._is_in_head:
            self._head_byte_count += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_byte_count > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._end_head()
            self.send_400_response("The request's head is too large.")

    def on_headers_complete(self) -> None:
        """The head is whole; what follows is bounded by the application."""
        self._end_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the timer."""
        self._end_head()
        super().connection_lost(exc)

    def _begin_head(self) -> None:
        self._is_in_head = True
        self._head_byte_count = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self._give_up)

    def _end_head(self) -> None:
        self._is_in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.close()
