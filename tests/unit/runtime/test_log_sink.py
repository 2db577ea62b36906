"""Log lines never keep anybody waiting."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest

from syncwell.runtime.log_sink import LogSink

LINE = '{"event": "' + "x" * 200 + '"}\n'


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def drain(reader: int) -> str:
    got = bytearray()
    try:
        while chunk := os.read(reader, 65536):
            got += chunk
    except BlockingIOError:
        pass
    return got.decode()


def test_lines_arrive_whole(pipe: tuple[int, int]) -> None:
    """What is written comes out as it went in, long lines too."""
    sink = LogSink(pipe[1])
    long_line = "y" * 10_000 + "\n"
    sink.write(LINE)
    sink.write(long_line)
    assert drain(pipe[0]) == LINE + long_line
    assert sink.dropped_count == 0


def test_a_pipe_that_nobody_reads_costs_lines_and_no_time(pipe: tuple[int, int]) -> None:
    """When the pipe is full every further line is dropped and counted; the writer goes on."""
    sink = LogSink(pipe[1])
    for _ in range(2_000):
        sink.write(LINE)
    kept = drain(pipe[0]).count("\n")
    assert kept > 100
    assert kept + sink.dropped_count == 2_000


def test_lines_flow_again_when_the_pipe_is_read(pipe: tuple[int, int]) -> None:
    """After a reader comes back, new lines begin on their own, even where a long one was broken off."""
    sink = LogSink(pipe[1])
    for _ in range(40):
        sink.write("z" * 6_000 + "\n")
    assert sink.dropped_count > 0
    drain(pipe[0])
    sink.write(LINE)
    assert drain(pipe[0]).splitlines()[-1] == LINE.rstrip()


def test_a_reader_that_is_gone_is_no_error() -> None:
    """A closed pipe costs lines only."""
    reader, writer = os.pipe()
    os.close(reader)
    sink = LogSink(writer)
    sink.write(LINE)
    os.close(writer)
    assert sink.dropped_count == 1
