"""Collects the points of one recorded track as a file tells them, and makes an orderly track of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from syncwell.api.record.v1.record_pb2 import Point, PointSegment
from syncwell.domain.errors import InvalidFileError

POINT_COUNT_MAX = 500_000
"""Five days at one point a second, over all tracks of a file."""

POINTS_PER_SEGMENT_MAX = 1_000

_LONGEST_TRACK_MS = 7 * 24 * 3600 * 1000
"""Points further than this from the middle one have a broken clock."""


@dataclass(slots=True)
class PointBudget:
    """How many points one file may still have."""

    left: int = POINT_COUNT_MAX

    def spend(self) -> None:
        """Counts one point.

        Raises:
            InvalidFileError: there were too many.
        """
        self.left -= 1
        if self.left < 0:
            raise InvalidFileError(f"The file holds more than {POINT_COUNT_MAX:,} points. Split it and try again.")


@dataclass(frozen=True, slots=True)
class OrderlyTrack:
    """Points in time order; `offset_ms` is relative to 1970 until `segments` is asked for."""

    points: Sequence[Point]
    pieces: Sequence[int]
    dropped_count: int

    @property
    def start_ms(self) -> int:
        """When the first point was recorded, since 1970."""
        return self.points[0].offset_ms

    @property
    def end_ms(self) -> int:
        """When the last point was recorded, since 1970."""
        return self.points[-1].offset_ms

    def segments(self, start_ms: int) -> list[PointSegment]:
        """Returns copies of the points relative to `start_ms`, in segments of at most 1,000, one after each pause."""
        segments: list[PointSegment] = []
        piece: int | None = None
        for point, its_piece in zip(self.points, self.pieces, strict=True):
            has_paused = piece is not None and its_piece != piece
            if has_paused or not segments or len(segments[-1].points) == POINTS_PER_SEGMENT_MAX:
                segments.append(PointSegment(follows_pause=has_paused))
            kept = segments[-1].points.add()
            kept.CopyFrom(point)
            kept.offset_ms = point.offset_ms - start_ms
            piece = its_piece
        return segments


@dataclass(slots=True)
class RecordedTrack:
    """The points of one track in file order. Points without a sensible time are counted and left out."""

    budget: PointBudget
    _points: list[Point] = field(default_factory=list)
    _pieces: list[int] = field(default_factory=list)
    _piece: int = 0
    _timeless_count: int = 0

    def pause(self) -> None:
        """Tells that the recording stopped here and went on later."""
        self._piece += 1

    def add(self, point: Point, time_ms: int | None) -> None:
        """Appends a point that was recorded `time_ms` after 1970.

        Raises:
            InvalidFileError: the file holds too many points.
        """
        self.budget.spend()
        if time_ms is None:
            self._timeless_count += 1
            return
        point.offset_ms = time_ms
        self._points.append(point)
        self._pieces.append(self._piece)

    def put_in_order(self) -> OrderlyTrack:
        """Returns the most points whose times do not run backwards and lie within a week of the middle one."""
        near = _near_middle([point.offset_ms for point in self._points])
        kept = [near[index] for index in _longest_ascent([self._points[index].offset_ms for index in near])]
        return OrderlyTrack(
            [self._points[index] for index in kept],
            [self._pieces[index] for index in kept],
            len(self._points) - len(kept) + self._timeless_count,
        )


def _near_middle(times: Sequence[int]) -> Sequence[int]:
    """Returns the indexes of the times near the median."""
    if not times or max(times) - min(times) <= _LONGEST_TRACK_MS:
        return range(len(times))
    middle = sorted(times)[len(times) // 2]
    return [index for index, time in enumerate(times) if abs(time - middle) <= _LONGEST_TRACK_MS]


def _longest_ascent(times: Sequence[int]) -> Sequence[int]:
    """Returns the indexes of the longest run (with gaps) of times that never decrease.

    One time far ahead costs one point, where taking each time at its word would cost all points after it.
    """
    if all(earlier <= later for earlier, later in pairwise(times)):
        return range(len(times))
    last_times: list[int] = []
    last_indexes: list[int] = []
    before = [-1] * len(times)
    for index, time in enumerate(times):
        length = bisect_right(last_times, time)
        before[index] = last_indexes[length - 1] if length else -1
        last_times[length : length + 1] = [time]
        last_indexes[length : length + 1] = [index]
    kept: list[int] = []
    index = last_indexes[-1]
    while index >= 0:
        kept.append(index)
        index = before[index]
    kept.reverse()
    return kept
