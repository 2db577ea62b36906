"""Reads what clients send: bounded bodies, urlencoded forms, multipart forms, JSON objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from syncwell.domain.errors import InvalidInputError, LimitExceededError

FORM_FIELDS_MAX = 100


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file part of a multipart form."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields and files of a form; of repeated names the last one counts."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, UploadedFile] = field(default_factory=dict)


async def read_body(request: Request, *, bytes_max: int) -> bytes:
    """Reads the whole body.

    Raises:
        LimitExceededError: the body is longer than `bytes_max`.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > bytes_max:
            raise LimitExceededError(f"the body is longer than {bytes_max} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def parse_form(content_type: str, body: bytes) -> Form:
    """Reads a form of any of the three kinds by its content type; no content type means urlencoded.

    Raises:
        InvalidInputError: the body is not what its content type says.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _parse_multipart(content_type, body)
    if kind == "application/json":
        return Form(_parse_json_fields(body))
    return Form(_parse_urlencoded(body))


def _parse_urlencoded(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX))
    except ValueError as exc:
        raise InvalidInputError("the form is not urlencoded text") from exc


def _parse_json_fields(body: bytes) -> dict[str, str]:
    try:
        found = msgspec.json.decode(body or b"{}", type=dict[str, str | bool | int | float | None])
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InvalidInputError("the body is not a flat JSON object") from exc
    return {name: _json_text(value) for name, value in found.items() if value is not None}


def _json_text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse_multipart(content_type: str, body: bytes) -> Form:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise InvalidInputError("the body is not multipart")
    form = Form()
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes) or len(form.fields) >= FORM_FIELDS_MAX:
            raise InvalidInputError("a part of the form has no name, or there are too many")
        file_name = part.get_filename()
        if file_name is None:
            form.fields[name] = content.decode(errors="replace")
        else:
            form.files[name] = UploadedFile(file_name, content)
    return form
