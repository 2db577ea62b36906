"""Where log lines go. A pipe that nobody reads costs lines, never time: what cannot be written at once is dropped."""

from __future__ import annotations

import os
import select
import threading

CHUNK_BYTES = select.PIPE_BUF  # a pipe that is ready takes this much without making the writer wait


class LogSink:
    """Writes whole lines to a file descriptor; `dropped_count` tells how many were lost.

    The descriptor stays as it is: to make it non-blocking would make it so for every process that shares it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lock = threading.Lock()
        self._is_in_line = False
        self.dropped_count = 0

    def write(self, text: str) -> None:
        """Writes `text`, or counts it as dropped. Never waits, never raises."""
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._is_in_line:
                data = b"\n" + data  # the rest of the broken line is lost; the next begins on its own
            for begin in range(0, len(data), CHUNK_BYTES):
                if not self._write_chunk(data[begin : begin + CHUNK_BYTES]):
                    self.dropped_count += 1
                    return
            self._is_in_line = False

    def flush(self) -> None:
        """Does nothing: what is written is out."""

    def _write_chunk(self, chunk: bytes) -> bool:
        try:
            if not any(events & select.POLLOUT for _, events in self._poll.poll(0)):
                return False
            os.write(self._descriptor, chunk)
        except OSError:  # the reader is gone
            return False
        self._is_in_line = not chunk.endswith(b"\n")
        return True
