"""P12, peer: candidates, pieces, and which pairs are sure, unsure or part of one another."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from bench.peers.plain_assignment import Gain, assign
from bench.peers.plain_evidence import HALF_HOUR_MS, WEIGHTS, Verdict, compare, hides_start, judge
from bench.peers.plain_sport import Relation
from syncwell.domain.records import RecordMetadata

_PAD_MS = 600_000
_REACH_MS = 26 * 3_600_000
_RESIDUAL_MS_MAX = 40_000
_SHIFT_MS_MAX = 14 * 3_600_000 + _RESIDUAL_MS_MAX
_SHIFT_KEPT_MIN = 0.94
_OUTSIDE_MAX, _KEPT_MAX, _DISTANCE_MAX, _PIECE_LOG_ODDS = 0.03, 0.85, 0.03, 4.0
_WEIGHT_SCALE = 1_000_000
_SAME_FROM, _DIFFERENT_TO = WEIGHTS.numbers["SAME_FROM"], WEIGHTS.numbers["DIFFERENT_TO"]
_MARGIN, _MARGIN_OF_MOVED = WEIGHTS.numbers["MARGIN"], WEIGHTS.numbers["MARGIN_OF_MOVED"]
_COVER_MIN, _PIECE_OVERLAP_MS = WEIGHTS.numbers["part_of.COVER_MIN"], WEIGHTS.numbers["part_of.PIECE_OVERLAP_MS_MAX"]
_MOVED = ("zone_shift", "hidden_start")

Records = Sequence[RecordMetadata]


class Edge(NamedTuple):
    """A judged pair; places are those in the sorted lists."""

    source: int
    destination: int
    verdict: Verdict


class Found(NamedTuple):
    """What became of a source: `same`, `unsure`, `part` or `new`, and the edge that says so."""

    kind: str
    edge: Edge | None


def match(
    sources: Records, destinations: Records, free_sources: list[bool], free_destinations: list[bool], offset_ms: int
) -> list[Found]:
    """Returns what became of each source; sure pairs are settled first and leave the pool."""
    edges, parts, refused, nested = _judge_all(sources, destinations, offset_ms)
    edges, parts = _separate_pieces(edges, parts, nested, sources, destinations)
    found = [Found("new", edge) for edge in refused]
    for edge in parts:
        _keep_best(found, "part", edge)
    edges = [edge for edge in edges if free_sources[edge.source] and free_destinations[edge.destination]]
    while True:
        settled = [edge for group in _components(edges) for edge in _settle(group, sources, destinations)]
        if not settled:
            break
        for edge in settled:
            found[edge.source] = Found("same", edge)
        gone, taken = {edge.source for edge in settled}, {edge.destination for edge in settled}
        edges = [edge for edge in edges if edge.source not in gone and edge.destination not in taken]
    for edge in edges:
        _keep_best(found, "unsure", edge)
    return found


def _keep_best(found: list[Found], kind: str, edge: Edge) -> None:
    best = found[edge.source]
    if best.kind != kind or best.edge is None or edge.verdict.log_odds > best.edge.verdict.log_odds:
        found[edge.source] = Found(kind, edge)


def _judge_all(
    sources: Records, destinations: Records, offset_ms: int
) -> tuple[list[Edge], list[Edge], list[Edge | None], list[tuple[int, int]]]:
    starts = [record.start_ms for record in destinations]
    latest_ends = list(accumulate((record.end_ms for record in destinations), max))
    edges, parts, nested = [], [], []
    refused: list[Edge | None] = [None] * len(sources)
    for source, a in enumerate(sources):
        upper = bisect_right(starts, a.start_ms + max(_REACH_MS, a.elapsed_ms + _PAD_MS + abs(offset_ms)))
        lower_ms, reach_ms = a.start_ms - _PAD_MS - abs(offset_ms), a.start_ms - _REACH_MS
        for destination in range(upper - 1, -1, -1):
            if latest_ends[destination] < lower_ms and starts[destination] < reach_ms:
                break
            b = destinations[destination]
            if not _is_candidate(a, b, offset_ms):
                continue
            evidence = compare(a, b, offset_ms)
            verdict = judge(a, b, evidence)
            edge = Edge(source, destination, verdict)
            if evidence.outside <= _OUTSIDE_MAX and evidence.kept <= _KEPT_MAX and evidence.relation <= Relation.FAMILY:
                nested.append((source, destination))
            if verdict.explanation == "part_of" and verdict.log_odds >= _SAME_FROM:
                parts.append(edge)
            elif verdict.log_odds > _DIFFERENT_TO:
                edges.append(edge)
            else:
                best = refused[source]
                if best is None or best.verdict.log_odds <= verdict.log_odds:
                    refused[source] = edge
    return sorted(edges), sorted(parts), refused, sorted(nested)


def _is_candidate(a: RecordMetadata, b: RecordMetadata, offset_ms: int) -> bool:
    if a.data_type != b.data_type:
        return False
    gap = b.start_ms - a.start_ms
    upper, lower = a.elapsed_ms + _PAD_MS, -(b.elapsed_ms + _PAD_MS)
    if lower <= gap <= upper or lower <= gap - offset_ms <= upper:
        return True
    if abs(gap) <= _SHIFT_MS_MAX:
        residual = (gap + HALF_HOUR_MS // 2) % HALF_HOUR_MS - HALF_HOUR_MS // 2
        shorter, longer = sorted((a.elapsed_ms, b.elapsed_ms))
        if abs(residual) <= _RESIDUAL_MS_MAX and shorter >= longer * _SHIFT_KEPT_MIN:
            return True
    return abs(gap) <= _REACH_MS and (hides_start(a) or hides_start(b))


def _separate_pieces(
    edges: list[Edge], parts: list[Edge], nested: list[tuple[int, int]], sources: Records, destinations: Records
) -> tuple[list[Edge], list[Edge]]:
    groups: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for source, destination in nested:
        if sources[source].elapsed_ms > destinations[destination].elapsed_ms:
            groups[True, source].append(destination)
        else:
            groups[False, destination].append(source)
    moved: set[tuple[int, int]] = set()
    for (is_source, whole), pieces in groups.items():
        if is_source and _is_covered(sources[whole], pieces, destinations):
            moved.update((whole, piece) for piece in pieces)
        elif not is_source and _is_covered(destinations[whole], pieces, sources):
            moved.update((piece, whole) for piece in pieces)
    if not moved:
        return edges, parts
    edges = [edge for edge in edges if edge[:2] not in moved]
    parts = [edge for edge in parts if edge[:2] not in moved]
    parts += [Edge(source, destination, Verdict("part_of", _PIECE_LOG_ODDS)) for source, destination in moved]
    return edges, sorted(parts)


def _is_covered(whole: RecordMetadata, pieces: list[int], records: Records) -> bool:
    count, covered_ms, covered_m, end_ms = 0, 0, 0.0, float("-inf")
    for piece in (records[place] for place in sorted(pieces)):
        if piece.start_ms < end_ms - _PIECE_OVERLAP_MS:
            continue
        count += 1
        covered_ms += piece.elapsed_ms
        covered_m += piece.distance_m or 0.0
        end_ms = piece.end_ms
    distance = whole.distance_m
    is_distance_covered = bool(distance) and abs(covered_m - (distance or 0.0)) <= (distance or 0.0) * _DISTANCE_MAX
    return count >= 2 and (covered_ms >= whole.elapsed_ms * _COVER_MIN or is_distance_covered)


def _components(edges: list[Edge]) -> Iterable[list[Edge]]:
    by_source: dict[int, list[Edge]] = defaultdict(list)
    by_destination: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        by_source[edge.source].append(edge)
        by_destination[edge.destination].append(edge)
    while by_source:
        _, waiting = by_source.popitem()
        group = set(waiting)
        while waiting:
            edge = waiting.pop()
            new = [*by_destination.pop(edge.destination, ()), *by_source.pop(edge.source, ())]
            waiting += [one for one in new if one not in group]
            group.update(new)
        yield sorted(group)


def _settle(group: list[Edge], sources: Records, destinations: Records) -> list[Edge]:
    if len(group) == 1:
        return group if group[0].verdict.log_odds >= _SAME_FROM else []
    rows = {place: row for row, place in enumerate(sorted({edge.source for edge in group}))}
    columns = {place: column for column, place in enumerate(sorted({edge.destination for edge in group}))}
    gains = [(rows[edge.source], columns[edge.destination], _weight_of(edge)) for edge in group]
    chosen, worth = assign(len(rows), len(columns), gains)
    plan = list(zip(group, gains, strict=True))
    return [
        edge
        for edge, gain in plan
        if chosen[gain[0]] == gain[1]
        and edge.verdict.log_odds >= _SAME_FROM
        and _is_uncontested(edge, plan, (len(rows), len(columns), worth), sources, destinations)
    ]


def _is_uncontested(
    edge: Edge, plan: list[tuple[Edge, Gain]], size: tuple[int, int, int], sources: Records, destinations: Records
) -> bool:
    beside = [one for one, _ in plan if (one.source == edge.source) != (one.destination == edge.destination)]
    rivals = {one for one in beside if not _is_copy(edge, one, sources, destinations)}
    if not rivals:
        return True
    is_moved = any(one.verdict.explanation in _MOVED for one in (edge, *rivals))
    margin = round((_MARGIN_OF_MOVED if is_moved else _MARGIN) * _WEIGHT_SCALE)
    best_a = max((_weight_of(one) for one in rivals if one.source == edge.source), default=0)
    best_b = max((_weight_of(one) for one in rivals if one.source != edge.source), default=0)
    if _weight_of(edge) - best_a - best_b >= margin:
        return True
    copies = set(beside) - rivals
    allowed = [gain for one, gain in plan if one is not edge and one not in copies]
    rows, columns, worth = size
    return worth - assign(rows, columns, allowed)[1] >= margin


def _is_copy(edge: Edge, other: Edge, sources: Records, destinations: Records) -> bool:
    if edge.source == other.source:
        one, two = destinations[edge.destination], destinations[other.destination]
    else:
        one, two = sources[edge.source], sources[other.source]
    overlap = min(one.end_ms, two.end_ms) - max(one.start_ms, two.start_ms)
    return overlap * 2 >= max(min(one.elapsed_ms, two.elapsed_ms), 1)


def _weight_of(edge: Edge) -> int:
    return round((edge.verdict.log_odds - _DIFFERENT_TO) * _WEIGHT_SCALE)
