"""FIT's sports against the canonical list."""

from __future__ import annotations

import pytest

from syncwell.domain.records import Sport
from syncwell.providers.files.fit_sports import FitSport, is_indoor_fit, sport_from_fit, sport_to_fit


@pytest.mark.parametrize("sport", Sport, ids=lambda sport: str(sport.name))
def test_every_sport_comes_back(sport: Sport) -> None:
    """What is written as FIT is read as the same sport."""
    assert sport_from_fit(sport_to_fit(sport)) is sport


@pytest.mark.parametrize(
    ("pair", "sport"),
    [
        (FitSport(1, 2), Sport.RUN),
        (FitSport(1, 4), Sport.RUN),
        (FitSport(1, 45), Sport.TREADMILL_RUN),
        (FitSport(2, 7), Sport.RIDE),
        (FitSport(2, 48), Sport.RIDE),
        (FitSport(2, 11), Sport.GRAVEL_RIDE),
        (FitSport(2, 58), Sport.INDOOR_RIDE),
        (FitSport(4, 14), Sport.ROW_INDOOR),
        (FitSport(10, 26), Sport.OTHER),
        (FitSport(10, 70), Sport.HIIT),
        (FitSport(41), Sport.PADDLE),
        (FitSport(48), Sport.STAIRS),
        (FitSport(71), Sport.TEAM),
        (FitSport(3), Sport.OTHER),
        (FitSport(254, 254), Sport.OTHER),
    ],
)
def test_many_pairs_mean_one_sport(pair: FitSport, sport: Sport) -> None:
    """Sub-sports refine where they are known; otherwise the sport decides; the unknown is `OTHER`."""
    assert sport_from_fit(pair) is sport


@pytest.mark.parametrize("sport", [Sport.RUN, Sport.RIDE, Sport.ROW])
def test_indoor_variant_is_written(sport: Sport) -> None:
    """A run, ride or row on a machine is written as such."""
    assert is_indoor_fit(sport_to_fit(sport, is_indoor=True))
    assert not is_indoor_fit(sport_to_fit(sport))


def test_other_sports_have_no_indoor_variant() -> None:
    """Indoor yoga is yoga."""
    assert sport_to_fit(Sport.YOGA, is_indoor=True) == sport_to_fit(Sport.YOGA)
