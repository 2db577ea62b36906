from __future__ import annotations

import pytest

from syncwell.domain.redaction import MASK, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ('{"access_token":"s3cr3t-value","x":1}', "s3cr3t-value"),
        ("grant_type=refresh_token&refresh_token=rt-12345&client_secret=cs-67890", "rt-12345"),
        ("grant_type=refresh_token&refresh_token=rt-12345&client_secret=cs-67890", "cs-67890"),
        ("token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl leaked", "c2lnbmF0dXJl"),
        ("sent to jane.doe+run@example.org today", "jane.doe"),
    ],
)
def test_secrets_and_addresses_are_masked(text: str, secret: str) -> None:
    """No token, OAuth secret or e-mail address survives redaction."""
    shown = redact(text)

    assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize("text", ["job_0f4c… claimed", "status=429 retry_after=60", "run of 5 records", ""])
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Lines without secrets stay as they are."""
    assert redact(text) == text
