"""P12, peer: how close two sport labels are, as one table of all pairs."""

from __future__ import annotations

from enum import IntEnum

SPORT_COUNT = 40
MULTISPORT = 39

_FAMILIES = {
    "run": (1, 3),
    "walk": (4, 5),
    "ride": (6, 10),
    "hand_cycle": (11, 11),
    "swim": (12, 14),
    "row": (15, 16),
    "paddle": (17, 17),
    "surf": (18, 18),
    "sail": (19, 19),
    "ski": (20, 23),
    "snowshoe": (24, 24),
    "skate": (25, 25),
    "gym": (26, 27),
    "machine": (28, 29),
    "mat": (30, 31),
    "climb": (32, 32),
    "racket": (33, 33),
    "team": (34, 34),
    "golf": (35, 35),
    "dance": (36, 36),
    "martial": (37, 37),
    "wheelchair": (38, 38),
    "multisport": (39, 39),
    "other": (40, 40),
}
_KIN = {
    "run": {"walk", "machine"},
    "ride": {"hand_cycle"},
    "hand_cycle": {"wheelchair"},
    "walk": {"snowshoe", "wheelchair", "machine", "climb"},
    "row": {"paddle"},
    "paddle": {"surf"},
    "surf": {"sail"},
    "ski": {"snowshoe"},
    "gym": {"machine", "mat", "martial", "dance"},
    "mat": {"dance"},
}


class Relation(IntEnum):
    """What two labels say about each other; the number is the place in the list of weights."""

    EQUAL = 0
    FAMILY = 1
    UNKNOWN = 2
    KIN = 3
    MULTISPORT = 4
    DIFFERENT = 5


def _relation(one: int, two: int, families: dict[int, str]) -> Relation:
    a, b = families[one], families[two]
    if "other" in (a, b):
        return Relation.UNKNOWN
    if one == two:
        return Relation.EQUAL
    if "multisport" in (a, b):
        return Relation.MULTISPORT
    if a == b:
        return Relation.FAMILY
    return Relation.KIN if b in _KIN.get(a, ()) or a in _KIN.get(b, ()) else Relation.DIFFERENT


def make_relations() -> dict[tuple[int, int], Relation]:
    """Returns the relation of every pair of sports."""
    families = {number: name for name, (first, last) in _FAMILIES.items() for number in range(first, last + 1)}
    numbers = range(1, SPORT_COUNT + 1)
    return {(one, two): _relation(one, two, families) for one in numbers for two in numbers}
