"""The scanner finds what it is told to find: without this, its silence would mean nothing."""

from __future__ import annotations

import pytest

from tests.e2e.marker_scan import plant, scan, spellings_of_degrees, spellings_of_series, spellings_of_text

SECRET = "gläserner-schlüssel-7c41"
PLANTED = plant(SECRET.encode())


@pytest.mark.parametrize("wrapping", PLANTED)
def test_a_planted_text_is_found_in_every_wrapping(wrapping: str) -> None:
    """Plain, UTF-16, base64 in any alignment, JSON-escaped, compressed: each is found."""
    assert scan("planted", PLANTED[wrapping], {"secret": spellings_of_text(SECRET)})


def test_nothing_is_found_where_nothing_is() -> None:
    """Other texts of the same kind do not match."""
    other = plant(b"glaeserner-schluessel-7c42")
    assert [scan(name, data, {"secret": spellings_of_text(SECRET)}) for name, data in other.items()] == [[]] * len(
        other
    )


@pytest.mark.parametrize("spelling", spellings_of_degrees(47.1234567))
def test_a_coordinate_is_found_in_every_spelling(spelling: str) -> None:
    """FIT's semicircles, our ten-millionths, JSON and floats are all looked for."""
    wanted = spellings_of_degrees(47.1234567)
    assert scan("planted", b"\x00\x01" + wanted[spelling] + b"\xff", {"latitude": wanted})


@pytest.mark.parametrize("spelling", spellings_of_series([101, 67, 113]))
def test_a_series_is_found_in_every_spelling(spelling: str) -> None:
    """A run of heart rates is found as bytes, wider numbers and JSON."""
    wanted = spellings_of_series([101, 67, 113])
    assert scan("planted", b"[" + wanted[spelling] + b"]", {"heart rate": wanted})
