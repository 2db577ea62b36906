"""The envelope of FIT files: sizes, checksums, gzip, chains."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import fitdecode
import pytest

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import file_envelope
from syncwell.providers.files.file_envelope import FILE_SIZE_BYTES_MAX
from syncwell.providers.files.fit_parts import PART_COUNT_MAX, split_fit_parts
from syncwell.providers.files.fit_protocol import crc16
from syncwell.providers.files.fit_writer import write_fit
from tests.fixtures.files.fit_files import HEADER_SIZE, body_of, envelop, make_run

RUN = write_fit(make_run())


def flip(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 0xFF
    return bytes(changed)


def with_data_size(size: int) -> bytes:
    header = struct.pack("<BBHI4s", HEADER_SIZE, 0x20, 2_120, size, b".FIT")
    return header + struct.pack("<H", crc16(header)) + RUN[HEADER_SIZE:]


def zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("run.fit", data)
    return archive.getvalue()


HOSTILE = {
    "empty": (b"", "is empty"),
    "one byte": (b"\x0e", "not a FIT file"),
    "header only": (envelop(b""), "nothing but a header"),
    "cut within the header": (RUN[:11], "not a FIT file"),
    "cut within the content": (RUN[:-40], "40 bytes too early"),
    "cut within the checksum": (RUN[:-1], "1 bytes too early"),
    "wrong file checksum": (flip(RUN, -1), "checksum"),
    "wrong header checksum": (flip(RUN, 12), "checksum"),
    "one changed byte": (flip(RUN, 300), "checksum"),
    "claims 4 GB": (with_data_size(0xFFFFFFFF), "too early"),
    "claims less than it has": (with_data_size(len(RUN) - 100), "checksum"),
    "header of an unknown size": (b"\xff" + RUN[1:], "not a FIT file"),
    "trailing bytes": (RUN + b"\x00" * 20, "What follows byte"),
    "random bytes": (bytes(range(256)) * 8, "not a FIT file"),
    "text": (b"<?xml version='1.0'?><gpx/>", "not a FIT file"),
    "zip": (zipped(RUN), "ZIP archive"),
    "zip in gzip": (gzip.compress(zipped(RUN)), "ZIP archive"),
    "truncated gzip": (gzip.compress(RUN)[:-12], "ends too early"),
    "damaged gzip": (gzip.compress(RUN)[:12] + b"\xff" * 60, "gzip file"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_file_is_refused_with_advice(data: bytes, message: str) -> None:
    """A file that is not what it claims is an `InvalidFileError` that says what is wrong."""
    with pytest.raises(InvalidFileError, match=message):
        split_fit_parts(data)


def test_every_cut_is_refused() -> None:
    """A file that lost its end anywhere never passes for whole."""
    for size in range(len(RUN)):
        with pytest.raises(InvalidFileError):
            split_fit_parts(RUN[:size])


def test_gzip_bomb_is_refused_before_it_fills_the_memory() -> None:
    """A gzip file that would unpack beyond the limit is opened no further than the limit."""
    bomb = gzip.compress(bytes(FILE_SIZE_BYTES_MAX + 10), compresslevel=1)
    assert len(bomb) < FILE_SIZE_BYTES_MAX // 100

    with pytest.raises(InvalidFileError, match="larger than 64 MB"):
        split_fit_parts(bomb)


def test_oversized_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Size is checked before anything else."""
    monkeypatch.setattr(file_envelope, "FILE_SIZE_BYTES_MAX", len(RUN) - 1)

    with pytest.raises(InvalidFileError, match="larger than"):
        split_fit_parts(RUN)


def test_chain_comes_apart() -> None:
    """Chained parts come out one by one, each whole."""
    assert split_fit_parts(RUN + envelop(body_of(RUN))) == (RUN, envelop(body_of(RUN)))


def test_endless_chain_is_refused() -> None:
    """The number of parts is bounded."""
    with pytest.raises(InvalidFileError, match="chains more than"):
        split_fit_parts(envelop(b"\x00") * (PART_COUNT_MAX + 1))


def test_gzipped_file_is_opened() -> None:
    """Bulk exports hold gzipped files."""
    assert split_fit_parts(gzip.compress(RUN)) == (RUN,)


def test_header_without_checksum_is_allowed() -> None:
    """A header checksum of zero means that the device computed none."""
    content = RUN[:12] + b"\x00\x00" + body_of(RUN)
    file = content + struct.pack("<H", crc16(content))

    assert split_fit_parts(file) == (file,)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 1001])
def test_checksum_is_that_of_an_independent_parser(size: int) -> None:
    """Our two-bytes-at-a-time CRC equals the plain one."""
    data = bytes((7 * position + position // 256) % 256 for position in range(size))
    expected = fitdecode.utils.compute_crc(data) if data else 0

    assert crc16(data) == expected
