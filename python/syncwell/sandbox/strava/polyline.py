"""Encodes positions as Google's polyline text, the form in which Strava gives its maps."""

from __future__ import annotations

from collections.abc import Sequence

SUMMARY_POINTS_MAX = 200


def encode_polyline(positions: Sequence[tuple[float, float]]) -> str:
    """Returns the polyline of (latitude, longitude) pairs in degrees, five decimals each."""
    pieces: list[str] = []
    before = (0, 0)
    for latitude, longitude in positions:
        here = (round(latitude * 1e5), round(longitude * 1e5))
        pieces.extend(_encode_step(there - start) for there, start in zip(here, before, strict=True))
        before = here
    return "".join(pieces)


def thinned(positions: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns at most about 200 of the positions, the first and the last among them."""
    step = max(1, len(positions) // SUMMARY_POINTS_MAX)
    kept = list(positions[::step])
    if positions and kept[-1] != positions[-1]:
        kept.append(positions[-1])
    return kept


def _encode_step(difference: int) -> str:
    left = ~(difference << 1) if difference < 0 else difference << 1
    text = ""
    while left >= 0x20:
        text += chr((0x20 | (left & 0x1F)) + 63)
        left >>= 5
    return text + chr(left + 63)
