"""A provider's answer: read within bounds, decoded into a type that cannot be wrong."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import aiohttp
import msgspec

from syncwell.domain.errors import ProviderInvalidAnswerError
from syncwell.ports.roles import ProviderResponse

CHUNK_BYTES = 65_536
ERROR_BODY_BYTES_MAX = 65_536
# zlib: 32 detects gzip or zlib by header, 15 is the largest window.
ZLIB_ANY_HEADER = 32 + 15

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Response:
    """Implements `ProviderResponse`. The body may hold health data and does not print."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


async def read_bounded(response: aiohttp.ClientResponse, *, body_bytes_max: int, provider: str) -> bytes:
    """Reads and inflates the body, stopping at the bound whatever the headers promised.

    Raises:
        ProviderInvalidAnswerError: larger than `body_bytes_max`, or not the encoding that it claims.
        aiohttp.ClientError: the connection was lost.
    """
    declared = response.content_length
    if declared is not None and declared > body_bytes_max:
        raise too_large(provider)
    decoder = decoder_of(response.headers.get("Content-Encoding", ""), provider)
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        try:
            body += decoder.decompress(chunk, body_bytes_max + 1 - len(body))
        except zlib.error as exc:
            raise ProviderInvalidAnswerError("the answer is not compressed as it claims", provider=provider) from exc
        if len(body) > body_bytes_max:
            raise too_large(provider)
    if not decoder.eof:
        raise aiohttp.ClientPayloadError("the compressed body ended early")
    return bytes(body)


class Decoder(Protocol):
    """What zlib's decompression objects offer."""

    @property
    def eof(self) -> bool:
        """True when the stream is complete."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Returns at most `max_length` bytes."""
        ...


class Identity:
    """Lets bytes through, for bodies without encoding."""

    eof = True

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        """Returns `data`; a chunk is bounded by itself."""
        return data


def decoder_of(encoding: str, provider: str) -> Decoder:
    """Returns the decoder of a Content-Encoding."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return Identity()
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(ZLIB_ANY_HEADER)
    raise ProviderInvalidAnswerError("the answer has an encoding that was not asked for", provider=provider)


def too_large(provider: str) -> ProviderInvalidAnswerError:
    """Returns the error of an answer beyond its bound."""
    return ProviderInvalidAnswerError("the answer is larger than anything the provider documents", provider=provider)


def decode(response: ProviderResponse, kind: type[T], *, provider: str) -> T:
    """Parses a JSON body into `kind`.

    Raises:
        ProviderInvalidAnswerError: not JSON, too deep, or of other types than documented. The text never quotes the
            body, which may hold tokens and notes.
    """
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.DecodeError, RecursionError, ValueError):
        # The cause is dropped on purpose: msgspec quotes values in its messages.
        raise ProviderInvalidAnswerError(
            f"the answer (HTTP {response.status}) is not what the provider documents", provider=provider
        ) from None
