"""Decoding of answers: into documented types or not at all, and no word of the body in an error."""

from __future__ import annotations

import pytest

from syncwell.domain.errors import ProviderInvalidAnswerError
from syncwell.providers.response import Response, decode
from syncwell.providers.strava.payloads import Token, Upload


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>secret-note</html>",
        b"[" * 100_000,
        b'{"id": "secret-note"}',
        b'{"id": 1e999}',
        b"null",
        b'{"id": 1',
        b"\xff\xfe",
        b'{"id": ' + b"9" * 5000 + b"}",
    ],
)
def test_foreign_answers_are_invalid(body: bytes) -> None:
    """Broken, nested, mistyped and oversized JSON is refused without being quoted, cause included."""
    with pytest.raises(ProviderInvalidAnswerError) as caught:
        decode(Response(200, {}, body), Upload, provider="strava")
    assert "secret-note" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.fields == {"provider": "strava"}


def test_unknown_fields_are_ignored() -> None:
    """Fields that a provider adds change nothing."""
    upload = decode(Response(200, {}, b'{"id": 7, "new": [1]}'), Upload, provider="strava")
    assert upload.id == 7


def test_bodies_and_tokens_do_not_print() -> None:
    """Neither an answer nor a token shows its content."""
    response = Response(200, {}, b'{"access_token": "s3cret", "refresh_token": "s3cret", "expires_at": 1}')
    assert "s3cret" not in repr(response)
    assert "s3cret" not in repr(decode(response, Token, provider="strava"))
