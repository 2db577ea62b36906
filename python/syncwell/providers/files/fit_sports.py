"""FIT's sport and sub-sport numbers, to and from canonical sports.

Unknown numbers become `Sport.OTHER`; the reader keeps the device's own words beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from syncwell.domain.records import Sport


class FitSport(NamedTuple):
    """A pair of `session.sport` and `session.sub_sport`."""

    sport: int
    sub_sport: int = 0


_TO_FIT = {
    Sport.RUN: FitSport(1),
    Sport.TRAIL_RUN: FitSport(1, 3),
    Sport.TREADMILL_RUN: FitSport(1, 1),
    Sport.WALK: FitSport(11),
    Sport.HIKE: FitSport(17),
    Sport.RIDE: FitSport(2),
    Sport.MTB_RIDE: FitSport(2, 8),
    Sport.GRAVEL_RIDE: FitSport(2, 46),
    Sport.EBIKE_RIDE: FitSport(21),
    Sport.INDOOR_RIDE: FitSport(2, 6),
    Sport.HAND_CYCLE: FitSport(2, 12),
    Sport.SWIM_POOL: FitSport(5, 17),
    Sport.SWIM_OPEN: FitSport(5, 18),
    Sport.SWIM: FitSport(5),
    Sport.ROW: FitSport(15),
    Sport.ROW_INDOOR: FitSport(15, 14),
    Sport.PADDLE: FitSport(19),
    Sport.SURF: FitSport(38),
    Sport.SAIL: FitSport(32),
    Sport.SKI_ALPINE: FitSport(13),
    Sport.SKI_BACKCOUNTRY: FitSport(13, 37),
    Sport.SKI_NORDIC: FitSport(12),
    Sport.SNOWBOARD: FitSport(14),
    Sport.SNOWSHOE: FitSport(35),
    Sport.SKATE: FitSport(30),
    Sport.STRENGTH: FitSport(10, 20),
    Sport.HIIT: FitSport(62),
    Sport.ELLIPTICAL: FitSport(4, 15),
    Sport.STAIRS: FitSport(4, 16),
    Sport.YOGA: FitSport(10, 43),
    Sport.PILATES: FitSport(10, 44),
    Sport.CLIMB: FitSport(31),
    Sport.RACKET: FitSport(64),
    Sport.TEAM: FitSport(7),  # FIT has no number for teams in general; football is the commonest
    Sport.GOLF: FitSport(25),
    Sport.DANCE: FitSport(83),
    Sport.MARTIAL: FitSport(80),
    Sport.WHEELCHAIR: FitSport(65),
    Sport.MULTISPORT: FitSport(18),
    Sport.OTHER: FitSport(0),
}

# What the pair alone decides; everything else falls back to the sport.
_FROM_PAIR = {
    **{pair: sport for sport, pair in _TO_FIT.items() if pair.sub_sport},
    FitSport(1, 45): Sport.TREADMILL_RUN,
    FitSport(1, 58): Sport.TREADMILL_RUN,
    FitSport(2, 5): Sport.INDOOR_RIDE,
    FitSport(2, 58): Sport.INDOOR_RIDE,
    FitSport(2, 9): Sport.MTB_RIDE,
    FitSport(2, 11): Sport.GRAVEL_RIDE,
    FitSport(2, 28): Sport.EBIKE_RIDE,
    FitSport(2, 47): Sport.EBIKE_RIDE,
    FitSport(2, 88): Sport.HAND_CYCLE,
    FitSport(4, 1): Sport.TREADMILL_RUN,
    FitSport(4, 5): Sport.INDOOR_RIDE,
    FitSport(4, 6): Sport.INDOOR_RIDE,
    FitSport(4, 14): Sport.ROW_INDOOR,
    FitSport(10, 70): Sport.HIIT,
    FitSport(13, 42): Sport.SKI_NORDIC,
    FitSport(15, 58): Sport.ROW_INDOOR,
}

_FROM_SPORT = {
    **{pair.sport: sport for sport, pair in _TO_FIT.items() if not pair.sub_sport},
    6: Sport.TEAM,
    8: Sport.RACKET,
    9: Sport.TEAM,
    33: Sport.SKATE,
    37: Sport.PADDLE,
    41: Sport.PADDLE,
    43: Sport.SURF,
    44: Sport.SURF,
    47: Sport.MARTIAL,
    48: Sport.STAIRS,
    49: Sport.TEAM,
    66: Sport.WHEELCHAIR,
    71: Sport.TEAM,
    72: Sport.TEAM,
    73: Sport.TEAM,
    74: Sport.TEAM,
    75: Sport.TEAM,
    88: Sport.PADDLE,
}

_INDOOR_VARIANT = {
    Sport.RUN: Sport.TREADMILL_RUN,
    Sport.RIDE: Sport.INDOOR_RIDE,
    Sport.ROW: Sport.ROW_INDOOR,
}

_INDOOR_SPORTS = frozenset({*_INDOOR_VARIANT.values(), Sport.ELLIPTICAL})

_INDOOR_SUB_SPORTS = frozenset({1, 5, 6, 14, 15, 25, 27, 45, 58, 68, 86, 87, 88})
"""Treadmill, spin, indoor cycling, rowing machine, elliptical, indoor skiing, walking, running, virtual, climbing,
wheelchair walking and running, hand cycling."""


def sport_from_fit(pair: FitSport) -> Sport:
    """Returns the canonical sport of a FIT pair; `Sport.OTHER` for numbers that nobody documents."""
    return _FROM_PAIR.get(pair) or _FROM_SPORT.get(pair.sport, Sport.OTHER)


def sport_to_fit(sport: Sport, *, is_indoor: bool = False) -> FitSport:
    """Returns the pair to write; an indoor run, ride or row becomes its indoor variant."""
    return _TO_FIT[_INDOOR_VARIANT.get(sport, sport) if is_indoor else sport]


def is_indoor_fit(pair: FitSport) -> bool:
    """Tells whether the pair means a trainer, a treadmill or a machine."""
    return pair.sub_sport in _INDOOR_SUB_SPORTS or sport_from_fit(pair) in _INDOOR_SPORTS
