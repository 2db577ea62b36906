"""XML from strangers: what is refused, and that refusing is quick and small."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from collections.abc import Mapping

import pytest

from syncwell.domain.errors import InvalidFileError
from syncwell.providers.files import xml_stream
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.file_envelope import FILE_SIZE_BYTES_MAX
from syncwell.providers.files.xml_stream import NAME_COUNT_MAX, TAG_SIZE_BYTES_MAX, looks_like_xml, read_xml
from tests.fixtures.files.xml_files import GPX_HEAD, gpx_of_times

SECONDS_MAX = 5.0
MEMORY_BYTES_MAX = 300_000_000
TIMES = ("2024-05-01T10:00:00Z", "2024-05-01T10:00:05Z")
HONEST = gpx_of_times(*TIMES)

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20))
    + b"]><gpx>&u;</gpx>"
)
EXTERNAL = b'<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx><trk><name>&x;</name></trk></gpx>'
REMOTE_TYPE = b'<!DOCTYPE gpx SYSTEM "http://127.0.0.1:1/gpx.dtd"><gpx/>'

HOSTILE = {
    "billion laughs": (LAUGHS, "document type"),
    "external entity": (EXTERNAL, "document type"),
    "remote document type": (REMOTE_TYPE, "document type"),
    "undefined entity": (b"<gpx>&nbsp;</gpx>", "damaged in line 1"),
    "a million nested tags": (b"<gpx>" + b"<a>" * 1_000_000, "nested too deeply"),
    "a million names": (b"<gpx>" + b"".join(b"<a%d/>" % n for n in range(1_000_000)), "names"),
    "a million attributes": (b"<gpx " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/>", "128 KB"),
    "many attributes in one tag": (b"<gpx " + b" ".join(b'a%d=""' % n for n in range(5_000)) + b"/>", "names"),
    "a tag that never ends": (b"<gpx " + b"a" * 40_000_000, "128 KB"),
    "a text of 40 MB": (b"<gpx><name>" + b"a" * 40_000_000 + b"</name></gpx>", "128 KB"),
    "invalid character": (HONEST.replace(b"running", b"run\x00ning"), "damaged in line 1"),
    "invalid UTF-8": (HONEST.replace(b"running", b"run\xff\xfening"), "damaged in line 1"),
    "another root": (b"<html><body/></html>", "does not begin with <gpx> or <TrainingCenterDatabase>"),
    "no root": (b"<!-- nothing -->", "damaged"),
    "two roots": (HONEST + HONEST.partition(b"?>")[2], "damaged"),
    "unclosed": (HONEST[:-6], "damaged"),
    "code page of mainframes": (b"<?xml version='1.0' encoding='cp037'?><gpx/>", "cp037"),
    "no such encoding": (b"<?xml version='1.0' encoding='x-y'?><gpx/>", "x-y"),
    "UTF-16 cut in half": (b"\xff\xfe<\x00g\x00p", "claims to be"),
    "gzip bomb": (gzip.compress(bytes(FILE_SIZE_BYTES_MAX + 10), compresslevel=1), "larger than 64 MB"),
    "gzip in gzip": (gzip.compress(gzip.compress(HONEST)), "neither FIT nor TCX nor GPX"),
}


@pytest.mark.parametrize(("data", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_file_is_refused_quickly_and_in_little_memory(data: bytes, message: str) -> None:
    """A file made to harm is an `InvalidFileError` that says what is wrong, within seconds and bounds."""
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match=message):
            read_activity_file(data)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak_bytes < MEMORY_BYTES_MAX
    assert time.process_time() - began < SECONDS_MAX * 4  # tracing memory makes it about four times slower


def test_elements_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of small elements end at the bound, not at the end of the file."""
    monkeypatch.setattr(xml_stream, "ELEMENT_COUNT_MAX", 1_000)

    with pytest.raises(InvalidFileError, match="too many elements"):
        read_activity_file(b"<gpx>" + b"<a/>" * 1_000 + b"</gpx>")


def test_every_cut_is_refused() -> None:
    """A file that lost its end anywhere never passes for whole."""
    for size in range(len(HONEST) - 1):
        with pytest.raises(InvalidFileError):
            read_activity_file(HONEST[:size])


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + HONEST,
        b"\n  \t" + HONEST,
        HONEST.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        b"\xfe\xff" + HONEST.decode().encode("utf-16-be"),
        HONEST.replace(b"UTF-8", b"ISO-8859-1").replace(b"running", b"l\xe4ufe"),
        HONEST.replace(b"UTF-8", b"windows-1252"),
        HONEST.partition(b"?>")[2],
        HONEST.replace(b"<trk", b"<g:trk").replace(b"</trk", b"</g:trk"),
        gzip.compress(HONEST),
    ],
    ids=["BOM", "white space", "UTF-16", "UTF-16 BE", "Latin-1", "Windows", "undeclared", "prefixed", "gzip"],
)
def test_honest_variants_are_read(data: bytes) -> None:
    """Encodings, byte-order marks, white space, prefixes and gzip are no obstacles."""
    (workout,) = read_activity_file(data).workouts

    assert workout.elapsed_ms == 5_000


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def on_start(self, name: str, parent: str, attributes: Mapping[str, str]) -> None:
        self.calls.append(("start", name, parent))

    def on_end(self, name: str, parent: str, text: str) -> None:
        self.calls.append((text, name, parent))


def test_sink_sees_names_without_prefix_and_their_parents() -> None:
    """Each element comes with its parent; the text is that of the element itself."""
    sink = Recorder()

    assert read_xml(b"<r xmlns:x='u'><x:a>1&lt;<![CDATA[2]]></x:a> </r>", {"r": sink}) == "r"
    assert sink.calls == [("start", "r", ""), ("start", "a", "r"), ("1<2", "a", "r"), (" ", "r", "")]


def test_long_text_is_cut() -> None:
    """Notes of a whole book are cut at 10,000 characters."""
    sink = Recorder()

    read_xml(b"<r>" + b"a" * 100_000 + b"</r>", {"r": sink})

    assert len(sink.calls[-1][0]) == xml_stream.TEXT_LENGTH_MAX


def test_bounds_leave_room_for_honest_files() -> None:
    """Names and tags just below the bounds pass."""
    names = b"".join(b"<a%d/>" % n for n in range(NAME_COUNT_MAX - 1))
    read_xml(b"<r>" + names + b"</r>", {"r": Recorder()})
    read_xml(b"<r a='" + b"x" * (TAG_SIZE_BYTES_MAX // 2 - 100) + b"'/>", {"r": Recorder()})


@pytest.mark.parametrize(
    ("content", "expected"),
    [(GPX_HEAD.encode(), True), (b"\xff\xfe<\x00", True), (b"PK", False), (b"", False), (b"\x0e\x10", False)],
)
def test_xml_is_told_by_its_beginning(content: bytes, expected: bool) -> None:
    """Anything that begins with a tag is tried as XML."""
    assert looks_like_xml(content) is expected
