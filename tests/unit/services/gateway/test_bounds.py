"""Bounds are checked before anything is built."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import bounds
from services.gateway.problems import Refusal
from syncwell.domain.errors import InvalidInputError

JSON_HEADERS = {b"content-type": b"application/json; charset=utf-8"}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_deepest_allowed_nesting_passes() -> None:
    """Depth at the bound is read, one more is not."""
    bounds.require_json(JSON_HEADERS, nested(bounds.JSON_DEPTH_MAX))

    with pytest.raises(InvalidInputError, match="nested deeper"):
        bounds.require_json(JSON_HEADERS, nested(bounds.JSON_DEPTH_MAX + 1))


def test_longest_allowed_array_passes() -> None:
    """Length at the bound is read, one more is not."""
    longest = json.dumps(list(range(bounds.JSON_ARRAY_MAX))).encode()
    bounds.require_json(JSON_HEADERS, longest)

    with pytest.raises(InvalidInputError, match="more than"):
        bounds.require_json(JSON_HEADERS, longest[:-1] + b",1]")


def test_many_short_arrays_are_not_one_long_one() -> None:
    """Each array is counted for itself."""
    bounds.require_json(JSON_HEADERS, json.dumps([[1, 2, 3, 4]] * 900).encode())


def test_brackets_inside_strings_do_not_count() -> None:
    """Text may hold any number of brackets, commas and escaped quotes."""
    bounds.require_json(JSON_HEADERS, json.dumps({"a": '[{,"' * 5_000}).encode())


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 32_000, b'"' * 65_000, b'[",' * 20_000, b"\\" * 65_000])
def test_broken_strings_cost_no_more_than_their_length(body: bytes) -> None:
    """The walk is linear: no body of the largest size takes long."""
    begun = time.perf_counter()
    with contextlib.suppress(InvalidInputError):
        bounds.require_json(JSON_HEADERS, b"," * bounds.JSON_ARRAY_MAX + body)

    assert time.perf_counter() - begun < 1


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_ordinary_json_always_passes(value: object) -> None:
    """Whatever stays within the bounds is never refused."""
    bounds.require_json(JSON_HEADERS, json.dumps(value).encode())


@pytest.mark.parametrize("media_type", [b"", b"text/json", b"application/json5", b"multipart/form-data"])
def test_other_media_type_is_refused(media_type: bytes) -> None:
    """The media type must be application/json."""
    with pytest.raises(InvalidInputError) as refused:
        bounds.require_json({b"content-type": media_type}, b"{}")

    assert refused.value.fields["refusal"] == Refusal.UNSUPPORTED_MEDIA_TYPE


async def test_body_is_read_in_pieces_up_to_the_bound() -> None:
    """Pieces are joined; the piece that passes the bound ends the reading."""
    pieces = [b"x" * 30_000, b"y" * 30_000, b"z" * 30_000, b"never read"]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": True}

    with pytest.raises(InvalidInputError) as refused:
        await bounds.read_body({}, receive)

    assert refused.value.fields["refusal"] == Refusal.BODY_TOO_LARGE
    assert pieces == [b"never read"]


@pytest.mark.parametrize("announced", [b"65537", b"-1", b"1e3", b"9" * 40])
async def test_announced_size_is_judged_before_reading(announced: bytes) -> None:
    """A length beyond the bound, or no length at all, is refused unread."""

    async def receive() -> dict[str, object]:
        raise AssertionError("nothing must be read")

    with pytest.raises(InvalidInputError):
        await bounds.read_body({b"content-length": announced}, receive)


async def test_caller_who_leaves_is_no_empty_body() -> None:
    """A connection lost inside the body is not taken for its end."""
    messages: list[dict[str, object]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    with pytest.raises(ConnectionResetError):
        await bounds.read_body({}, receive)


@pytest.mark.parametrize(
    "key", [b"", b"1", b"7a1f3c582b7e4e0f9d803c0b4e0a9b11", b"7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b1g"]
)
def test_key_must_be_a_uuid(key: bytes) -> None:
    """Only the canonical form of a UUID is a key."""
    with pytest.raises(InvalidInputError, match="UUID"):
        bounds.idempotency_key_of({b"idempotency-key": key})


def test_key_has_one_spelling() -> None:
    """Upper and lower case are the same key."""
    assert bounds.idempotency_key_of({b"idempotency-key": b"7A1F3C58-2B7E-4E0F-9D80-3C0B4E0A9B11"}).startswith("7a1f")
