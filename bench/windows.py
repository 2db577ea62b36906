"""Windows of two accounts of one person, made up: what a sync of some weeks of workouts gives to the matcher.

A destination record is a copy of a source record by another device or service, a piece of it, a copy in a wrong time
zone, or a workout of its own. Some pairs are linked from earlier syncs, a few of them edited since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any  # reason: changes of any field of a record

from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata, Sport
from syncwell.domain.resolution import KnownLink, ResolutionRequest, Strategy

RECORD_COUNT = 40
_FIRST_MS = 1_760_000_000_000
_DAY_MS = 86_400_000
_SPORTS = (Sport.RUN, Sport.RIDE, Sport.WALK, Sport.SWIM, Sport.STRENGTH, Sport.GRAVEL_RIDE)
_KEY = bytes(range(16))

Fingerprints = Callable[[RecordMetadata, bytes], Mapping[EditableField, int]]


def make_window(seed: int, fingerprints: Fingerprints) -> ResolutionRequest:
    """Returns a window of 40 and 40 records; the same seed gives the same one.

    `fingerprints` makes the bases of known links, so that each contestant knows its own.
    """
    random = Random(seed)
    sources = [_workout(random, place) for place in range(RECORD_COUNT)]
    destinations = [_counterpart(random, source, place) for place, source in enumerate(sources)]
    linked = [
        KnownLink(source.record_id, destination.record_id, source.version, fingerprints(source, _KEY))
        for source, destination in zip(sources[:12], destinations[:12], strict=True)
    ]
    sources = [_edited(random, record) if place < 3 else record for place, record in enumerate(sources)]
    random.shuffle(sources)
    random.shuffle(destinations)
    return ResolutionRequest(
        sources=sources,
        destinations=destinations,
        strategy=Strategy.SMART_MERGE,
        fingerprint_key=_KEY,
        links=linked,
        echoes=frozenset({RecordId("source-12")}),
        tombstones=frozenset({RecordId("source-13")}),
        updatable=frozenset({EditableField.TITLE, EditableField.SPORT}),
    )


def _workout(random: Random, place: int) -> RecordMetadata:
    # A little over one a day, at most times of the day, so that some fall on one day.
    start_ms = _FIRST_MS + place * _DAY_MS * 3 // 4 + random.randrange(-_DAY_MS // 3, _DAY_MS // 3)
    elapsed_ms = random.randrange(900_000, 9_000_000)
    speed = random.uniform(1.5, 8.0)
    return RecordMetadata(
        record_id=RecordId(f"source-{place}"),
        data_type=DataType.WORKOUT,
        sport=random.choice(_SPORTS),
        start_ms=start_ms,
        elapsed_ms=elapsed_ms,
        version=f"v{place}",
        moving_ms=int(elapsed_ms * random.uniform(0.85, 1.0)),
        distance_m=round(elapsed_ms / 1_000 * speed, 1),
        utc_offset_s=random.choice((3_600, 7_200)),
        device_name="Forerunner 955",
        title=f"Workout {place}",
    )


def _counterpart(random: Random, source: RecordMetadata, place: int) -> RecordMetadata:
    record = replace(source, record_id=RecordId(f"destination-{place}"), version=f"d{place}")
    changes = _KINDS[place % len(_KINDS)](random, source)
    return replace(record, **changes)


def _recorded_twice(random: Random, source: RecordMetadata) -> dict[str, Any]:
    return {"start_ms": source.start_ms + random.randrange(-2_000, 2_000)}


def _other_watch(random: Random, source: RecordMetadata) -> dict[str, Any]:
    return {
        "start_ms": source.start_ms + random.randrange(-200_000, 200_000),
        "distance_m": (source.distance_m or 0.0) * random.uniform(0.93, 1.07),
        "device_name": "",
        "title": "Morning activity",
    }


def _wrong_zone(_: Random, source: RecordMetadata) -> dict[str, Any]:
    return {"start_ms": source.start_ms + 7_200_000, "title": ""}


def _cut_short(random: Random, source: RecordMetadata) -> dict[str, Any]:
    kept = random.choice((0.45, 0.7, 0.9))
    return {"elapsed_ms": int(source.elapsed_ms * kept), "moving_ms": None, "distance_m": None}


def _with_a_break(_: Random, source: RecordMetadata) -> dict[str, Any]:
    return {"elapsed_ms": source.elapsed_ms + 600_000, "sport": Sport.OTHER, "title": "With a break"}


def _way_back(_: Random, source: RecordMetadata) -> dict[str, Any]:
    return {"start_ms": source.start_ms + 5 * 3_600_000 + 420_000, "title": "The way back"}


def _other_workout(random: Random, source: RecordMetadata) -> dict[str, Any]:
    return {
        "start_ms": source.start_ms + 11_000_000,
        "elapsed_ms": random.randrange(900_000, 9_000_000),
        "sport": random.choice(_SPORTS),
    }


# Changes go to `replace` of a dataclass, which takes any field: hence their type.
_KINDS: tuple[Callable[[Random, RecordMetadata], dict[str, Any]], ...] = (
    _recorded_twice,
    _recorded_twice,
    _other_watch,
    _wrong_zone,
    _cut_short,
    _with_a_break,
    _way_back,
    _other_workout,
)


def _edited(random: Random, record: RecordMetadata) -> RecordMetadata:
    return replace(record, title=f"{record.title}, renamed {random.randrange(100)}", version=record.version + "e")
