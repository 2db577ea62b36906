"""Strava's sport types, both ways."""

from __future__ import annotations

import pytest

from syncwell.domain.records import Sport
from syncwell.providers.strava.sports import FROM_CANONICAL, ON_TRAINER, TO_CANONICAL, native_of, sport_of

# What Strava has no type for becomes a plain workout; indoor and pool variants are told by other fields or not at all.
COARSER = {
    Sport.SWIM_POOL: Sport.SWIM,
    Sport.SWIM_OPEN: Sport.SWIM,
    Sport.RACKET: Sport.OTHER,
    Sport.TEAM: Sport.OTHER,
    Sport.MARTIAL: Sport.OTHER,
    Sport.MULTISPORT: Sport.OTHER,
}


@pytest.mark.parametrize("sport", list(Sport))
def test_every_sport_comes_back(sport: Sport) -> None:
    """What is written as one sport is read as the same, or as the coarser one that Strava has."""
    native = native_of(sport)
    assert native in TO_CANONICAL
    assert sport_of(native, is_trainer=sport in ON_TRAINER) is COARSER.get(sport, sport)


def test_tables_cover_every_sport() -> None:
    """No sport is forgotten."""
    assert set(FROM_CANONICAL) == set(Sport)


@pytest.mark.parametrize(
    ("sport", "native_type", "expected"),
    [
        (Sport.RACKET, "BADMINTON", "Badminton"),
        (Sport.RACKET, "TABLE_TENNIS", "TableTennis"),
        (Sport.TEAM, "Soccer", "Soccer"),
        (Sport.RIDE, "Soccer", "Ride"),
        (Sport.RUN, "<script>", "Run"),
    ],
)
def test_native_word_decides_inside_its_family(sport: Sport, native_type: str, expected: str) -> None:
    """Another provider's word is used where Strava knows it and it means the same sport."""
    assert native_of(sport, native_type=native_type) == expected
