"""One activity of a TCX file while it is read, and the workout that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from syncwell.api.record.v1 import record_pb2
from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap, Provenance
from syncwell.providers.files.activity_reading import printable, timestamp_of
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.providers.files.point_values import HEART_RATE_BPM_MAX
from syncwell.providers.files.recorded_track import OrderlyTrack, PointBudget, RecordedTrack
from syncwell.providers.files.sport_words import is_indoor_sport, sport_from_word
from syncwell.providers.files.track_sums import covered_distance_m, set_heart_rate
from syncwell.providers.files.xml_values import parse_time_ms, parse_utc_offset_s

_WORD_LENGTH_MAX = 100
_LAP_SECONDS_MAX = 60 * 24 * 3600
_STRAY_MS = 2 * 24 * 3600 * 1000
"""A lap that begins further than this from the points has another clock than they have."""


@dataclass(slots=True)
class TcxLap:
    """What a lap says; None where it does not."""

    start_text: str
    timer_seconds: float | None = None
    distance_m: float | None = None
    energy_kcal: float | None = None
    mean_heart_rate_bpm: float | None = None
    peak_heart_rate_bpm: float | None = None
    track_count: int = 0

    @property
    def timer_ms(self) -> int:
        """The time on the timer; zero where the lap does not say or claims months."""
        seconds = self.timer_seconds or 0.0
        return round(seconds * 1000) if seconds <= _LAP_SECONDS_MAX else 0


@dataclass(slots=True)
class TcxActivity:
    """Collects an activity; `finish` makes the workout."""

    sport_word: str
    budget: PointBudget
    id_text: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    laps: list[TcxLap] = field(default_factory=list)
    recorded: RecordedTrack = field(init=False)

    def __post_init__(self) -> None:
        """Begins with an empty track."""
        self.recorded = RecordedTrack(self.budget)

    def open_lap(self, start_text: str) -> None:
        """Begins the next lap; the track goes on."""
        self.laps.append(TcxLap(start_text))

    def open_track(self) -> None:
        """Begins the next stretch of points; the second one within a lap follows a pause."""
        if not self.laps:
            return
        self.laps[-1].track_count += 1
        if self.laps[-1].track_count > 1:
            self.recorded.pause()

    def finish(self) -> tuple[CanonicalWorkout | None, int]:
        """Returns the workout and how many points were dropped; no workout where nothing tells its time."""
        track = self.recorded.put_in_order()
        starts = self._lap_starts(track)
        start_ms = self._start_ms(track, starts)
        if start_ms is None:
            return None, track.dropped_count + len(track.points)
        laps = _laps(self.laps, starts, track)
        moving_ms = sum(lap.timer_ms for lap in self.laps)
        ends = [_end_ms(lap) for lap in laps] + [point.offset_ms for point in track.points[-1:]]
        elapsed_ms = max(max(ends, default=start_ms) - start_ms, moving_ms)
        if elapsed_ms == 0:
            return None, track.dropped_count + len(track.points)
        sport = sport_from_word(self.sport_word)
        workout = CanonicalWorkout(
            provenance=self._provenance(),
            sport=record_pb2.Sport.ValueType(sport),
            start_time=timestamp_of(start_ms),
            utc_offset_s=parse_utc_offset_s(self.laps[0].start_text if self.laps else self.id_text),
            elapsed_ms=elapsed_ms,
            moving_ms=moving_ms or None,
            notes=self.texts.get("Notes", "").strip(),
            is_indoor=is_indoor_sport(sport),
            segments=track.segments(start_ms),
            laps=laps,
        )
        self._set_sums(workout, track)
        return workout, track.dropped_count

    def _lap_starts(self, track: OrderlyTrack) -> list[int | None]:
        starts = [parse_time_ms(lap.start_text) for lap in self.laps]
        if not track.points:
            return starts
        low, high = track.start_ms - _STRAY_MS, track.end_ms + _STRAY_MS
        return [start if start is not None and low <= start <= high else None for start in starts]

    def _start_ms(self, track: OrderlyTrack, lap_starts: Sequence[int | None]) -> int | None:
        told = [start for start in lap_starts if start is not None]
        if told:
            return min(told)
        return track.start_ms if track.points else parse_time_ms(self.id_text)

    def _provenance(self) -> Provenance:
        return Provenance(
            provider=PROVIDER,
            device_name=printable(self.texts.get("Name", ""), _WORD_LENGTH_MAX),
            native_type=printable(self.sport_word, _WORD_LENGTH_MAX),
        )

    def _set_sums(self, workout: CanonicalWorkout, track: OrderlyTrack) -> None:
        distances = [lap.distance_m for lap in self.laps if lap.distance_m]
        distance_m = round(sum(distances), 2) if distances else covered_distance_m(track)
        if distance_m is not None:
            workout.distance_m = distance_m
        energies = [lap.energy_kcal for lap in self.laps if lap.energy_kcal]
        if energies:
            workout.energy_kcal = round(sum(energies), 1)
        self._set_heart_rate(workout, track)

    def _set_heart_rate(self, workout: CanonicalWorkout, track: OrderlyTrack) -> None:
        """Takes the laps' means, weighted by their time, and the highest peak; else what the points say."""
        set_heart_rate(workout, track.points)
        means = [(lap.mean_heart_rate_bpm, lap.timer_ms or 1) for lap in self.laps if lap.mean_heart_rate_bpm]
        if means:
            mean = sum(rate * weight for rate, weight in means) / sum(weight for _, weight in means)
            if mean <= HEART_RATE_BPM_MAX:
                workout.average_heart_rate_bpm = round(mean)
        peak = max((lap.peak_heart_rate_bpm or 0 for lap in self.laps), default=0)
        if 0 < peak <= HEART_RATE_BPM_MAX:
            workout.max_heart_rate_bpm = round(peak)


def _laps(told: Sequence[TcxLap], starts: Sequence[int | None], track: OrderlyTrack) -> list[Lap]:
    """Returns the laps that say when they began; wall time is from there to the last point before the next lap."""
    known = sorted(
        ((start, lap) for start, lap in zip(starts, told, strict=True) if start is not None), key=lambda each: each[0]
    )
    times = [point.offset_ms for point in track.points]
    laps: list[Lap] = []
    position = 0
    for index, (start_ms, lap) in enumerate(known):
        next_ms = known[index + 1][0] if index + 1 < len(known) else None
        end_ms = start_ms + lap.timer_ms
        while position < len(times) and (next_ms is None or times[position] < next_ms):
            end_ms = max(end_ms, times[position])
            position += 1
        laps.append(
            Lap(start_time=timestamp_of(start_ms), elapsed_ms=end_ms - start_ms, distance_m=lap.distance_m or None)
        )
    return laps


def _end_ms(lap: Lap) -> int:
    return lap.start_time.seconds * 1000 + lap.start_time.nanos // 1_000_000 + lap.elapsed_ms
