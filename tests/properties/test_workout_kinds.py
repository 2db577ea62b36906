"""Pairs and days of every kind are judged as a person would."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from syncwell.domain.records import RecordId, RecordMetadata
from syncwell.domain.resolution import Action, Decision, Reason, ResolutionRequest, Strategy, resolve
from tests.properties.workout_kinds import (
    DIFFERENT,
    HOUR,
    PART_OF,
    SAME,
    make_short_efforts,
    make_workout,
    moved,
    scaled,
)

PAIR_COUNT = 250
DAY_COUNT = 150
KEY = b"a person's keys."


def decide(sources: list[RecordMetadata], destinations: list[RecordMetadata]) -> list[Decision]:
    named = [replace(record, record_id=RecordId(f"d{index}")) for index, record in enumerate(destinations)]
    mine = [replace(record, record_id=RecordId(f"s{index}")) for index, record in enumerate(sources)]
    return list(resolve(ResolutionRequest(mine, named, Strategy.SMART_MERGE, KEY)))


def answer(decision: Decision) -> str:
    if decision.reason is Reason.PART_OF:
        return "part of"
    return {Action.LINK: "same", Action.CREATE: "different"}.get(decision.action, "ask")


def share_of(wanted: str, pairs: list[tuple[RecordMetadata, RecordMetadata]]) -> float:
    answers = [answer(decide([one], [other])[0]) for one, other in pairs]
    return answers.count(wanted) / len(answers)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [(kind, "same") for kind in SAME]
    + [(kind, "part of") for kind in PART_OF]
    + [(kind, "different") for kind in DIFFERENT],
)
def test_kind_is_judged_right(kind: str, wanted: str) -> None:
    """At least 95 of 100 pairs of each kind get the right answer, whichever side they are on."""
    random = Random(kind)
    make = {**SAME, **PART_OF, **DIFFERENT}[kind]
    pairs = [(base, make(base, random)) for base in (make_workout(random) for _ in range(PAIR_COUNT))]
    swapped = [pair if random.random() < 0.5 else (pair[1], pair[0]) for pair in pairs]
    assert share_of(wanted, swapped) >= 0.95


def test_two_short_efforts_are_different() -> None:
    """Two efforts of a minute or three, seconds apart, are never merged."""
    random = Random("short efforts")
    assert share_of("same", [make_short_efforts(random) for _ in range(PAIR_COUNT)]) == 0


def test_shifted_copy_on_another_workout_is_asked() -> None:
    """A copy that a zone fault puts exactly on another workout of like size is left to the person."""
    random = Random("undecidable")
    for _ in range(DAY_COUNT):
        first = make_workout(random)
        hours = random.choice([2, 3, 4, 5]) + first.elapsed_ms // HOUR
        second = scaled(moved(first, hours * HOUR), random.uniform(0.997, 1.003), random.uniform(0.997, 1.003))
        copy = moved(first, hours * HOUR)
        assert [answer(decision) for decision in decide([first, second], [copy])] == ["ask", "ask"]


def test_workouts_of_a_day_find_their_own_copies() -> None:
    """On days of several workouts nearly every record is linked to its own copy, and nearly no other."""
    random = Random("days")
    right = wrong = missed = 0
    for _ in range(DAY_COUNT):
        sources, destinations, partners = make_day(random)
        for index, decision in enumerate(decide(sources, destinations)):
            if decision.action is Action.LINK:
                is_right = decision.destination_id == f"d{partners.get(index)}"
                right, wrong = right + is_right, wrong + (not is_right)
            else:
                missed += index in partners
    assert wrong <= 0.005 * (right + wrong)
    assert missed <= 0.03 * (right + missed)


def make_day(random: Random) -> tuple[list[RecordMetadata], list[RecordMetadata], dict[int, int]]:
    """Returns one to five workouts that follow each other, each known to one or both sides, and who belongs to whom."""
    sources: list[RecordMetadata] = []
    destinations: list[RecordMetadata] = []
    partners: dict[int, int] = {}
    workout = make_workout(random)
    for _ in range(random.randint(1, 5)):
        where = random.choice(["both", "both", "source", "destination"])
        if where != "destination":
            sources.append(workout)
        if where == "both":
            partners[len(sources) - 1] = len(destinations)
        if where != "source":
            copy = SAME[random.choice(["re-upload", "clock drift", "two devices", "trimmed end", "zone shift"])]
            destinations.append(copy(workout, random) if where == "both" else workout)
        pause_ms = random.uniform(0.1, 3) * HOUR
        workout = replace(make_workout(random), start_ms=round(workout.end_ms + pause_ms))
    order = list(range(len(destinations)))
    random.shuffle(order)
    places = {old: new for new, old in enumerate(order)}
    return sources, [destinations[old] for old in order], {one: places[other] for one, other in partners.items()}
