"""Reads XML from strangers, element by element, within bounds.

Document types, and with them entities and external references, are refused outright: no format of workouts needs them,
and every known bomb does. The parser keeps a table of all names that it has met and the attributes of one tag, so both
are bounded too. Prefixes are cut off: what an element means follows from its name and its parent.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Protocol
from xml.parsers import expat  # the bounds below are what makes it safe

from syncwell.domain.errors import InvalidFileError

DEPTH_MAX = 64
ELEMENT_COUNT_MAX = 4_000_000
"""64 MB of honest TCX hold two million; reading so many takes about five seconds."""

NAME_COUNT_MAX = 1_000
TAG_SIZE_BYTES_MAX = 256 * 1024
"""A tag with the text behind it."""

TEXT_LENGTH_MAX = 10_000
"""Longer texts are cut: notes, nothing that is counted."""

_UTF8 = "utf-8"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, _UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS = re.compile(r"utf-?8|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|cp125\d", re.IGNORECASE)
_WHITE_SPACE = b" \t\r\n"


class ElementSink(Protocol):
    """Takes the elements of a document in order."""

    def on_start(self, name: str, parent: str, attributes: Mapping[str, str]) -> None:
        """Takes the beginning of an element."""

    def on_end(self, name: str, parent: str, text: str) -> None:
        """Takes the end of an element with the text that stood directly before it."""


def looks_like_xml(content: bytes) -> bool:
    """Tells whether the content begins as XML does, perhaps after a byte-order mark or white space."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            beginning = content[len(mark) : len(mark) + 4_096]
            return beginning.decode(encoding, errors="ignore").lstrip().startswith("<")
    return content[:4_096].lstrip(_WHITE_SPACE).startswith(b"<")


def read_xml(content: bytes, sinks: Mapping[str, ElementSink]) -> str:
    """Feeds the document to the sink that stands under the name of its root element; returns that name.

    Raises:
        InvalidFileError: the content is no well-formed XML, has a document type, passes a bound, or its root is none
            of `sinks`; also whatever a sink raises.
    """
    document = _to_utf8(content)
    _check_tags(document)
    reader = _Reader(sinks)
    parser = expat.ParserCreate(_UTF8)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add_text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        # In one piece: a long token that comes in pieces would be read again with each.
        parser.Parse(document, True)
    except expat.ExpatError as exc:
        raise InvalidFileError(
            f"The XML is damaged in line {exc.lineno:,}. Copy the file or export the activity again."
        ) from exc
    return reader.root


class _Reader:
    """Keeps the path to the present element and enforces the bounds."""

    def __init__(self, sinks: Mapping[str, ElementSink]) -> None:
        self.root = ""
        self._sinks = sinks
        self._sink: ElementSink | None = None
        self._path: list[str] = [""]
        self._texts: list[str] = []
        self._text_length = 0
        self._element_count = 0
        self._local_names: dict[str, str] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self._local_names.get(tag) or self._name(tag)
        if self._sink is None:
            self._sink = self._choose_sink(name)
        self._element_count += 1
        if len(self._path) > DEPTH_MAX or self._element_count > ELEMENT_COUNT_MAX:
            raise InvalidFileError("The XML is nested too deeply or holds too many elements. Export one activity.")
        for attribute in attributes:
            if attribute not in self._local_names:
                self._name(attribute)
        self._sink.on_start(name, self._path[-1], attributes)
        self._path.append(name)
        self._texts.clear()
        self._text_length = 0

    def end(self, _: str) -> None:
        name = self._path.pop()
        text = "".join(self._texts)
        self._texts.clear()
        self._text_length = 0
        if self._sink is not None:
            self._sink.on_end(name, self._path[-1], text)

    def add_text(self, text: str) -> None:
        room = TEXT_LENGTH_MAX - self._text_length
        if room > 0:
            self._texts.append(text[:room])
            self._text_length += len(text)

    def _name(self, tag: str) -> str:
        """Remembers a name that was not met before; returns it without its prefix."""
        if len(self._local_names) == NAME_COUNT_MAX:
            raise InvalidFileError(f"The XML uses more than {NAME_COUNT_MAX:,} names. This is no activity.")
        name = tag.rpartition(":")[2] or tag
        self._local_names[tag] = name
        return name

    def _choose_sink(self, name: str) -> ElementSink:
        if name not in self._sinks:
            expected = " or ".join(f"<{root}>" for root in self._sinks)
            raise InvalidFileError(f"The XML file is no activity: it does not begin with {expected}.")
        self.root = name
        return self._sinks[name]


def _refuse_document_type(*_: object) -> None:
    raise InvalidFileError("The XML declares a document type, which no activity needs. Export the activity again.")


def _to_utf8(content: bytes) -> bytes:
    """Returns the document in UTF-8, whatever it was written in, without anything before its first tag."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _recode(content[len(mark) :], encoding)
    stripped = content.lstrip(_WHITE_SPACE)
    declared = _DECLARED_ENCODING.match(stripped)
    return _recode(stripped, declared[1].decode() if declared else _UTF8)


def _recode(content: bytes, encoding: str) -> bytes:
    if encoding.lower().replace("-", "") in ("utf8", "usascii", "ascii"):
        return content.lstrip(_WHITE_SPACE)
    if not encoding.startswith("utf-16-") and not _ENCODINGS.fullmatch(encoding):
        raise InvalidFileError(f"The XML is written in {encoding}, which SyncWell does not read. Export it as UTF-8.")
    try:
        return content.decode(encoding).lstrip().encode()
    except (UnicodeError, LookupError) as exc:
        raise InvalidFileError(f"The XML is not the {encoding} that it claims to be. Export it as UTF-8.") from exc


def _check_tags(document: bytes) -> None:
    """Refuses a stretch above the bound without the beginning of a tag: attributes of one tag are read at once."""
    step = TAG_SIZE_BYTES_MAX // 2
    for position in range(0, len(document) - step, step):
        if document.find(b"<", position, position + step) < 0:
            raise InvalidFileError("The XML holds a tag or text of more than 128 KB. This is no activity.")
