"""What every blob store keeps to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from syncwell.domain.errors import InvalidInputError, LimitExceededError, NotFoundError
from syncwell.ports.blob_store import BlobStore

LARGE = 64 * 1024 * 1024
LONG = "x" * 600


async def test_object_comes_back_as_written(blobs: BlobStore) -> None:
    """Chunks are joined; the size is returned."""
    assert await blobs.write("exports/user/1.zip", _chunks(b"ab", b"", b"c"), bytes_max=3) == 3
    assert await _read(blobs, "exports/user/1.zip") == b"abc"


async def test_large_object_comes_in_chunks(blobs: BlobStore) -> None:
    """No chunk that is read holds more than a mebibyte, however it was written."""
    content = bytes(range(256)) * 12_000
    await blobs.write("large", _chunks(content), bytes_max=LARGE)
    chunks = [chunk async for chunk in blobs.read("large")]

    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= 1024 * 1024


async def test_empty_object_exists(blobs: BlobStore) -> None:
    """An object without content is an object."""
    await blobs.write("empty", _chunks(), bytes_max=0)

    assert await _read(blobs, "empty") == b""


async def test_too_large_object_is_not_kept(blobs: BlobStore) -> None:
    """One byte more than allowed and nothing is there."""
    with pytest.raises(LimitExceededError):
        await blobs.write("a", _chunks(b"123", b"4"), bytes_max=3)
    with pytest.raises(NotFoundError):
        await _read(blobs, "a")


async def test_failed_write_keeps_the_old_object(blobs: BlobStore) -> None:
    """Whoever replaces an object and fails half-way leaves the old one."""
    await blobs.write("a", _chunks(b"old"), bytes_max=10)

    with pytest.raises(ConnectionError):
        await blobs.write("a", _failing(b"ne"), bytes_max=10)

    assert await _read(blobs, "a") == b"old"


async def test_replaced_object_is_the_new_one(blobs: BlobStore) -> None:
    """The last whole write wins."""
    await blobs.write("a", _chunks(b"old and long"), bytes_max=100)
    await blobs.write("a", _chunks(b"new"), bytes_max=100)

    assert await _read(blobs, "a") == b"new"


async def test_concurrent_writers_do_not_mix(blobs: BlobStore) -> None:
    """The object is one writer's, whole."""
    contents = [bytes([number]) * 1000 for number in range(8)]
    await asyncio.gather(*[blobs.write("a", _chunks(one[:500], one[500:]), bytes_max=1000) for one in contents])

    assert await _read(blobs, "a") in contents


async def test_deleted_object_is_gone(blobs: BlobStore) -> None:
    """Deleting works once and again."""
    await blobs.write("a/b", _chunks(b"x"), bytes_max=1)
    await blobs.delete("a/b")
    await blobs.delete("a/b")

    with pytest.raises(NotFoundError):
        await _read(blobs, "a/b")


async def test_nothing_to_delete(blobs: BlobStore) -> None:
    """Deleting what never was succeeds."""
    await blobs.delete("no/such/thing")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        ".a",
        "a/.b",
        "a\0b",
        "a\nb",
        "a\\b",
        "ä",
        "a b",
        "x" * 600,
    ],
)
async def test_name_that_is_no_plain_path_is_refused(blobs: BlobStore, name: str) -> None:
    """Names cannot climb, hide, or mean different things in different places."""
    with pytest.raises(InvalidInputError):
        await blobs.write(name, _chunks(b""), bytes_max=1)
    with pytest.raises(InvalidInputError):
        await _read(blobs, name)
    with pytest.raises(InvalidInputError):
        await blobs.delete(name)


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _failing(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
    raise ConnectionError


async def _read(blobs: BlobStore, name: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(name)])
