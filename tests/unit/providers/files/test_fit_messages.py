"""Decoding under lies: the checksums are right, the content is not."""

from __future__ import annotations

import random
import struct

import pytest

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import fit_messages
from syncwell.providers.files.fit_encoding import BaseType, FitField
from syncwell.providers.files.fit_messages import decode_fit_parts
from syncwell.providers.files.fit_protocol import MessageNumber
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.files.fit_writer import write_fit
from tests.fixtures.files.fit_files import START_FIT_SECONDS, body_of, envelop, make_fit, make_run

RUN = write_fit(make_run(point_count=12))
RECORD_DEFINITION = struct.pack("<BBBHB", 0x40, 0, 0, MessageNumber.RECORD, 1)
TIME = FitField(253, BaseType.UINT32)
HEART_RATE = FitField(3, BaseType.UINT8)


def definition(*fields: tuple[int, int, int]) -> bytes:
    head = struct.pack("<BBBHB", 0x40, 0, 0, MessageNumber.RECORD, len(fields))
    return head + b"".join(bytes(field) for field in fields)


def count_workouts(file: bytes) -> int:
    """Returns 0 where the file is refused; every other error passes through and fails the test."""
    try:
        return len(read_fit(file))
    except InvalidFileError:
        return 0


LIES = {
    "data without a definition": b"\x03\x00\x00",
    "definition cut short": RECORD_DEFINITION,
    "record beyond the end": definition((253, 4, 0x86)) + b"\x00\x01\x02",
    "field without a size": definition((253, 0, 0x86)) + b"\x00",
    "unknown base type": definition((253, 4, 0x1F)) + b"\x00\x01\x02\x03\x04",
    "size that is no multiple": definition((253, 3, 0x86)) + b"\x00\x01\x02\x03",
    "time as text": definition((253, 4, 0x07)) + b"\x00abc\x00",
    "time as not a number": definition((253, 4, 0x88)) + b"\x00\x00\x00\xc0\x7f",
    "position as 64 bits": definition((253, 4, 0x86), (0, 8, 0x8E)) + b"\x00" + b"\x3f" * 4 + b"\x01" * 8,
    "compressed times without a first": definition((3, 1, 0x02)) + b"\x80\x50" * 4,
    "nothing but definitions": definition((253, 4, 0x86)) * 50,
}


@pytest.mark.parametrize("body", LIES.values(), ids=LIES.keys())
def test_lying_content_is_refused(body: bytes) -> None:
    """Content that contradicts itself or says no time is an `InvalidFileError`, whatever the parser stumbles over."""
    with pytest.raises(InvalidFileError):
        read_fit(envelop(body))


@pytest.mark.parametrize("seed", range(150))
def test_mutated_content_is_read_or_refused(seed: int) -> None:
    """No change to the content of a file, under right checksums, causes any other error."""
    chance = random.Random(seed)
    body = bytearray(body_of(RUN))
    for _ in range(chance.randint(1, 6)):
        body[chance.randrange(len(body))] = chance.randrange(256)

    assert count_workouts(envelop(bytes(body))) in (0, 1)


@pytest.mark.parametrize("seed", range(60))
def test_random_content_is_refused(seed: int) -> None:
    """Noise under right checksums is refused; it never causes another error."""
    noise = random.Random(seed).randbytes(400)

    assert count_workouts(envelop(noise)) == 0


@pytest.mark.parametrize("bound", ["record_count", "message_count", "field_count"])
def test_work_on_one_file_is_bounded(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More records, laps or fields than the bound allows are refused, counted over all chained parts."""
    budget = fit_messages._Budget
    used = budget()
    part = fit_messages._DecodedPart(used)
    for frame in fit_messages._read_frames(RUN):
        part.add(frame)
    spent = getattr(budget(), bound) - getattr(used, bound)
    monkeypatch.setattr(fit_messages, "_Budget", lambda: budget(**{bound: 2 * spent - 1}))

    assert len(decode_fit_parts([RUN])) == 1
    with pytest.raises(InvalidFileError, match="more than"):
        decode_fit_parts([RUN, RUN])


def test_part_without_file_id_continues_the_one_before() -> None:
    """Watches put strap heart rate into further parts; they make no workout of their own."""
    further = make_fit([(MessageNumber.RECORD, {TIME: START_FIT_SECONDS + 20, HEART_RATE: 99})])

    (workout,) = read_fit(RUN + further)

    assert workout.segments[-1].points[-1].heart_rate_bpm == 99


def test_zero_heart_rate_is_no_heart_rate() -> None:
    """A strap without contact reports 0; the point then has no heart rate."""
    file = make_fit(
        [(MessageNumber.RECORD, {TIME: START_FIT_SECONDS + second, HEART_RATE: 60 * second}) for second in (0, 1)]
    )

    (workout,) = read_fit(file)

    assert [point.HasField("heart_rate_bpm") for point in workout.segments[0].points] == [False, True]
