"""Looks for marker values in bytes, in every spelling in which they could have been kept."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

GZIP_MAGIC = b"\x1f\x8b\x08"
ZLIB_MAGICS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
INFLATED_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    marker: str
    spelling: str
    place: str


def spellings_of_text(text: str) -> dict[str, bytes]:
    """Returns how a text could stand in bytes; base64 in each of its three alignments."""
    raw = text.encode()
    spellings = {
        "utf-8": raw,
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "json": json.dumps(text).strip('"').encode(),
        "hex": raw.hex().encode(),
        "url": "".join(f"%{byte:02X}" for byte in raw).encode(),
    }
    for shift in range(3):
        # The characters that belong to neighbours of the text are cut off.
        whole = base64.b64encode(b"\x00" * shift + raw)
        inner = whole[-(-shift * 8 // 6) : len(whole) - 4 if len(whole) % 4 == 0 else None]
        spellings[f"base64-{shift}"] = inner
        spellings[f"base64url-{shift}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    return {name: data for name, data in spellings.items() if len(data) >= 8}


def spellings_of_degrees(degrees: float) -> dict[str, bytes]:
    """Returns how a coordinate could stand in bytes: in FIT, in our records, in JSON and in floats."""
    e7, semicircles = round(degrees * 1e7), round(degrees * 2**31 / 180)
    return {
        "decimal": f"{degrees:.5f}".encode(),
        "e7-text": str(e7).encode(),
        "e7-le": struct.pack("<i", e7),
        "e7-be": struct.pack(">i", e7),
        "e7-zigzag": _varint(e7 * 2),
        "semicircles-le": struct.pack("<i", semicircles),
        "semicircles-be": struct.pack(">i", semicircles),
        "double-le": struct.pack("<d", degrees),
        "double-be": struct.pack(">d", degrees),
    }


def spellings_of_series(values: Sequence[int]) -> dict[str, bytes]:
    """Returns how a run of small numbers could stand in bytes."""
    return {
        "bytes": bytes(values),
        "msgpack": b"".join(value.to_bytes(1, "big") for value in values),
        "json": ",".join(map(str, values)).encode(),
        "json-spaced": ", ".join(map(str, values)).encode(),
        "shorts-le": b"".join(value.to_bytes(2, "little") for value in values),
        "ints-le": b"".join(value.to_bytes(4, "little") for value in values),
    }


def scan(place: str, data: bytes, markers: Mapping[str, Mapping[str, bytes]]) -> list[Finding]:
    """Returns what of `markers` (spellings by marker) stands in `data` or in anything compressed in it."""
    layers = [("", data), *((f" (inflated at {offset})", layer) for offset, layer in _inflated(data))]
    return [
        Finding(marker, spelling, place + suffix)
        for suffix, layer in layers
        for marker, spellings in markers.items()
        for spelling, wanted in spellings.items()
        if wanted in layer
    ]


def _inflated(data: bytes) -> Iterator[tuple[int, bytes]]:
    for magic in (GZIP_MAGIC, *ZLIB_MAGICS):
        offset = data.find(magic)
        while offset >= 0:
            try:
                layer = zlib.decompressobj(wbits=47).decompress(data[offset:], INFLATED_BYTES_MAX)
            except zlib.error:
                layer = b""
            if layer:
                yield offset, layer
            offset = data.find(magic, offset + 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def plant(marker: bytes) -> dict[str, bytes]:
    """Returns `marker` among other bytes, in each wrapping that a leak could have."""
    text = marker.decode()
    return {
        "plain": b"before" + marker + b"after",
        "utf-16": ("before" + text + "after").encode("utf-16-le"),
        "base64": base64.b64encode(b"before!" + marker + b"after"),
        "base64 shifted": base64.b64encode(b"before" + marker + b"after"),
        "json": json.dumps({"key": text}).encode(),
        "gzip": b"noise" + gzip.compress(b"before" + marker + b"after") + b"noise",
        "zlib": b"noise" + zlib.compress(b"before" + marker + b"after"),
        "hex": marker.hex().encode(),
    }
