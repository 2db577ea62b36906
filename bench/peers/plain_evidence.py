"""P12, peer: evidence of a pair, and the score of the best explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bench.peers.plain_sport import MULTISPORT, Relation, make_relations
from bench.peers.plain_weights import load_weights
from syncwell.domain.records import RecordMetadata

HALF_HOUR_MS = 1_800_000
DAY_MS = 86_400_000
IMPOSSIBLE = -100.0
_HALF_HOURS_MAX = 28
_SLACK_MS = 3_000
_DISTANCE_M_MIN = 50.0

WEIGHTS = load_weights()
RELATIONS = make_relations()
_N, _R = WEIGHTS.numbers, {name: ramp.read for name, ramp in WEIGHTS.ramps.items()}


class Verdict(NamedTuple):
    """The best explanation and its log-odds."""

    explanation: str
    log_odds: float


@dataclass(slots=True)
class Evidence:
    """What the metadata of a pair say; gaps are destination minus source."""

    start_gap: int
    end_gap: int
    overlap: float
    outside: float
    kept: float
    stretch: int
    elapsed_difference: float
    moving_difference: float | None
    distance_difference: float | None
    distance_gap: float | None
    pace_difference: float | None
    half_hours: int
    residual: int
    relation: Relation


def hides_start(record: RecordMetadata) -> bool:
    """Tells whether the start is the first second of the local day."""
    if record.is_start_hidden:
        return True
    offset = record.utc_offset_s
    return offset is not None and (record.start_ms // 1_000 + offset) % 86_400 == 1


def compare(a: RecordMetadata, b: RecordMetadata, offset_ms: int) -> Evidence:
    """Returns the evidence of a pair."""
    raw = b.start_ms - a.start_ms
    shifted = raw - offset_ms
    gap = shifted if abs(shifted) < abs(raw) else raw
    length_a, length_b = a.elapsed_ms, b.elapsed_ms
    padded_a, padded_b = max(length_a, 1_000), max(length_b, 1_000)
    common = min(padded_a, gap + padded_b) - max(gap, 0)
    overlap = max(common, 0) / min(padded_a, padded_b)
    shorter, longer = (length_a, length_b) if length_a <= length_b else (length_b, length_a)
    half_hours = (raw + HALF_HOUR_MS // 2) // HALF_HOUR_MS
    if abs(half_hours) > _HALF_HOURS_MAX:
        half_hours, residual = 0, raw
    else:
        residual = raw - half_hours * HALF_HOUR_MS
    moving_a, moving_b = a.moving_ms, b.moving_ms
    has_moving = bool(moving_a and moving_b)
    distance_a, distance_b = a.distance_m, b.distance_m
    distance_difference = distance_gap = pace = None
    if distance_a is not None and distance_b is not None and min(distance_a, distance_b) >= _DISTANCE_M_MIN:
        distance_gap = abs(distance_a - distance_b)
        distance_difference = distance_gap / max(distance_a, distance_b)
        pace = _difference(distance_a * length_b, distance_b * length_a, 0)
        if moving_a and moving_b:
            pace = min(pace, _difference(distance_a * moving_b, distance_b * moving_a, 0))
    return Evidence(
        gap,
        gap + length_b - length_a,
        overlap,
        min(max(1.0 - overlap, 0.0), 1.0),
        shorter / max(longer, 1),
        longer - shorter,
        _difference(length_a, length_b, _SLACK_MS),
        _difference(moving_a or 0, moving_b or 0, _SLACK_MS) if has_moving else None,
        distance_difference,
        distance_gap,
        pace,
        half_hours,
        residual,
        RELATIONS[a.sport, b.sport],
    )


def judge(a: RecordMetadata, b: RecordMetadata, evidence: Evidence) -> Verdict:
    """Judges a pair by every explanation that is possible; the first of equals wins."""
    labels = WEIGHTS.sport[evidence.relation]
    if a.device_name and a.device_name == b.device_name:
        labels += _N["SAME_DEVICE"]
    if a.title and a.title == b.title:
        labels += _N["SAME_TITLE"]
    if hides_start(a) or hides_start(b):
        return Verdict("hidden_start", labels + _hidden_start(a, b, evidence))
    seen = [
        Verdict("whole", labels + _whole(evidence)),
        Verdict("trimmed", labels + _trimmed(evidence)),
        Verdict("paused", labels + _paused(evidence)),
    ]
    if a.is_manual or b.is_manual:
        seen.append(Verdict("manual", labels + _manual(evidence)))
    if evidence.half_hours:
        seen.append(Verdict("zone_shift", labels + _zone_shift(a, b, evidence)))
    longer, shorter = (b, a) if a.elapsed_ms <= b.elapsed_ms else (a, b)
    if longer.sport == MULTISPORT and shorter.sport != MULTISPORT:
        seen.append(Verdict("part_of", _leg(evidence)))
    elif evidence.relation <= Relation.FAMILY:
        seen.append(Verdict("part_of", labels + _part_of(evidence)))
    return max(seen, key=lambda verdict: verdict.log_odds)


def time_difference(evidence: Evidence) -> float:
    """Returns the smaller of the differences of wall time and moving time."""
    moving = evidence.moving_difference
    return evidence.elapsed_difference if moving is None else min(moving, evidence.elapsed_difference)


def _difference(one: float, two: float, slack: float) -> float:
    larger = max(one, two)
    return 0.0 if larger <= 0 else max(abs(one - two) - slack, 0.0) / larger


def _known(name: str, value: float | None) -> float:
    return 0.0 if value is None else _R[name](value)


def _whole(e: Evidence) -> float:
    middle = abs((e.start_gap + e.end_gap) / 2)
    return (
        _N["whole.PRIOR"]
        + _R["whole.MIDDLE_S"](int(middle) / 1_000)
        + _R["whole.TIME"](time_difference(e))
        + _known("whole.DISTANCE", e.distance_difference)
        + _R["whole.OUTSIDE"](e.outside)
    )


def _trimmed(e: Evidence) -> float:
    pace = None
    if e.pace_difference is not None and e.distance_difference is not None:
        pace = min(e.pace_difference, e.distance_difference)
    return (
        _N["trimmed.PRIOR"]
        + _R["trimmed.EDGE_S"](min(abs(e.start_gap), abs(e.end_gap)) / 1_000)
        + _R["trimmed.KEPT"](e.kept)
        + _known("trimmed.PACE", pace)
    )


def _paused(e: Evidence) -> float:
    if e.moving_difference is None and e.distance_difference is None:
        size = _N["paused.SIZE_UNKNOWN"]
    else:
        size = _known("paused.MOVING", e.moving_difference) + _known("paused.DISTANCE", e.distance_difference)
    return (
        _N["paused.PRIOR"]
        + size
        + _R["paused.START_S"](abs(e.start_gap) / 1_000)
        + _R["paused.STRETCH_MIN"](e.stretch / 60_000)
    )


def _manual(e: Evidence) -> float:
    return (
        _N["manual.PRIOR"]
        + _R["manual.START_MIN"](abs(e.start_gap) / 60_000)
        + _R["manual.TIME_MIN"](e.stretch / 60_000)
        + _known("manual.DISTANCE_KM", None if e.distance_gap is None else e.distance_gap / 1_000)
        + _R["manual.OUTSIDE"](e.outside)
    )


def _zone_shift(a: RecordMetadata, b: RecordMetadata, e: Evidence) -> float:
    total = _N["zone_shift.PRIOR"] if e.half_hours % 2 == 0 else _N["zone_shift.PRIOR"] + _N["zone_shift.HALF_HOUR"]
    one, two = a.utc_offset_s, b.utc_offset_s
    has_zones = one is not None and two is not None and one != two
    if has_zones and abs(a.start_ms + (one or 0) * 1_000 - b.start_ms - (two or 0) * 1_000) <= _SLACK_MS:
        total += _N["zone_shift.WALL_CLOCK"]
    if a.start_ms % 60_000 == 0 and b.start_ms % 60_000 == 0:
        total += _N["zone_shift.ROUND_START"]
    return (
        total
        + _R["zone_shift.RESIDUAL_S"](abs(e.residual) / 1_000)
        + _R["zone_shift.TIME"](e.elapsed_difference)
        + _known("zone_shift.DISTANCE", e.distance_difference)
    )


def _hidden_start(a: RecordMetadata, b: RecordMetadata, e: Evidence) -> float:
    raw = b.start_ms - a.start_ms
    if hides_start(a) and hides_start(b):
        outside = abs(raw)
    elif hides_start(a):
        outside = max(-raw, raw - DAY_MS, 0)
    else:
        outside = max(raw, -raw - DAY_MS, 0)
    return (
        _N["hidden_start.PRIOR"]
        + _R["hidden_start.OUTSIDE_DAY_H"](outside / 3_600_000)
        + _R["hidden_start.TIME"](time_difference(e))
        + _known("hidden_start.DISTANCE", e.distance_difference)
    )


def _part_of(e: Evidence) -> float:
    return (
        _N["part_of.PRIOR"]
        + _R["part_of.EDGE_S"](min(abs(e.start_gap), abs(e.end_gap)) / 1_000)
        + _R["part_of.KEPT"](e.kept)
        + _known("part_of.PACE", e.pace_difference)
    )


def _leg(e: Evidence) -> float:
    return _N["part_of.LEG_PRIOR"] + _R["part_of.LEG_OUTSIDE"](e.outside) + _R["part_of.LEG_KEPT"](e.kept)
