"""Makes pairs of workouts, each of a named kind, with the answer that a person would give.

`SAME` kinds transform one workout as services, devices and people do. `DIFFERENT` kinds are two workouts that look
alike. Every function takes a base workout and a random source and returns the copy or the other workout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from syncwell.domain.records import DataType, RecordId, RecordMetadata, Sport

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Kind = Callable[[RecordMetadata, Random], RecordMetadata]

_SPEEDS = {  # metres per second, slow to fast
    Sport.RUN: (2.2, 4.2),
    Sport.RIDE: (4.5, 9.5),
    Sport.WALK: (1.0, 1.8),
    Sport.HIKE: (0.7, 1.4),
    Sport.SWIM_POOL: (0.6, 1.4),
    Sport.ROW: (2.0, 4.0),
    Sport.SKI_NORDIC: (2.0, 5.0),
}
_OTHER_LABELS = {
    Sport.RUN: Sport.TRAIL_RUN,
    Sport.RIDE: Sport.GRAVEL_RIDE,
    Sport.WALK: Sport.HIKE,
    Sport.HIKE: Sport.WALK,
    Sport.SWIM_POOL: Sport.SWIM,
    Sport.ROW: Sport.ROW_INDOOR,
    Sport.SKI_NORDIC: Sport.SKI_BACKCOUNTRY,
}
_OTHER_SPORTS = {
    Sport.RUN: Sport.RIDE,
    Sport.RIDE: Sport.RUN,
    Sport.WALK: Sport.RIDE,
    Sport.HIKE: Sport.RIDE,
    Sport.SWIM_POOL: Sport.RUN,
    Sport.ROW: Sport.RUN,
    Sport.SKI_NORDIC: Sport.RUN,
}


def make_workout(random: Random, record_id: str = "a") -> RecordMetadata:
    """Returns a workout of 12 minutes to 4 hours with a local start between six and twenty."""
    sport = random.choice(list(_SPEEDS))
    elapsed_ms = round(min(14_400, max(720, random.lognormvariate(8.1, 0.6))) * SECOND)
    moving_ms = round(elapsed_ms * random.choice([1.0, random.uniform(0.75, 0.99)]))
    offset_s = random.choice([-5, 0, 1, 2, 9]) * 3_600
    start_ms = 1_700_006_400_000 - offset_s * SECOND + random.randrange(400) * DAY
    return RecordMetadata(
        record_id=RecordId(record_id),
        data_type=DataType.WORKOUT,
        sport=sport,
        start_ms=start_ms + round(random.uniform(6, 20) * HOUR),
        elapsed_ms=elapsed_ms,
        moving_ms=moving_ms if random.random() < 0.7 else None,
        distance_m=round(moving_ms / SECOND * random.uniform(*_SPEEDS[sport]), 1) if random.random() < 0.9 else None,
        utc_offset_s=offset_s if random.random() < 0.7 else None,
        version="1",
    )


def scaled(a: RecordMetadata, time: float, distance: float) -> RecordMetadata:
    """Returns `a` with its times and its distance multiplied."""
    return replace(
        a,
        elapsed_ms=round(a.elapsed_ms * time),
        moving_ms=None if a.moving_ms is None else round(a.moving_ms * time),
        distance_m=None if a.distance_m is None else a.distance_m * distance,
    )


def moved(a: RecordMetadata, by_ms: float) -> RecordMetadata:
    """Returns `a` at another time."""
    return replace(a, start_ms=a.start_ms + round(by_ms))


def cut(a: RecordMetadata, start_share: float, end_share: float, noise: float = 1.0) -> RecordMetadata:
    """Returns what is left of `a` between two shares of its time."""
    kept = end_share - start_share
    return moved(scaled(a, kept, kept * noise), a.elapsed_ms * start_share)


def _other_workout(a: RecordMetadata, random: Random, start_ms: float) -> RecordMetadata:
    other = make_workout(random)
    return replace(other, start_ms=round(start_ms), utc_offset_s=a.utc_offset_s)


def _reupload(a: RecordMetadata, random: Random) -> RecordMetadata:
    b = moved(a, random.uniform(-1, 1) * SECOND)
    return b if b.moving_ms is None else replace(b, moving_ms=round(b.moving_ms * random.gauss(1, 0.02)))


def _whole_seconds(a: RecordMetadata, random: Random) -> RecordMetadata:
    return replace(a, start_ms=a.start_ms // SECOND * SECOND, elapsed_ms=a.elapsed_ms // SECOND * SECOND)


def _clock_drift(a: RecordMetadata, random: Random) -> RecordMetadata:
    return moved(a, random.uniform(-110, 110) * SECOND)


def _late_fix(a: RecordMetadata, random: Random) -> RecordMetadata:
    late = min(random.uniform(60, 600) * SECOND / a.elapsed_ms, 0.25)
    return cut(a, late, 1.0)


def _two_devices(a: RecordMetadata, random: Random) -> RecordMetadata:
    b = scaled(moved(a, random.uniform(-240, 240) * SECOND), random.gauss(1, 0.02), random.gauss(1, 0.03))
    return replace(b, sport=random.choice([a.sport, _OTHER_LABELS[a.sport]]))


def _trimmed_end(a: RecordMetadata, random: Random) -> RecordMetadata:
    return cut(a, 0, 1 - random.uniform(0, 0.15), random.gauss(1, 0.03))


def _heavy_trim(a: RecordMetadata, random: Random) -> RecordMetadata:
    lost = random.uniform(0.2, 0.45)
    noise = random.gauss(1, 0.05)
    return cut(a, lost, 1, noise) if random.random() < 0.5 else cut(a, 0, 1 - lost, noise)


def _zone_gap(random: Random) -> float:
    hours = random.choice([hours for hours in range(-11, 10) if hours != 0])
    return (hours + random.choice([0, 0, 0, 0.5])) * HOUR


def _zone_shift(a: RecordMetadata, random: Random) -> RecordMetadata:
    return moved(a, _zone_gap(random) + random.uniform(-1, 1) * SECOND)


def _zone_shift_other_device(a: RecordMetadata, random: Random) -> RecordMetadata:
    b = moved(a, _zone_gap(random) + random.uniform(-25, 25) * SECOND)
    return scaled(b, random.gauss(1, 0.005), random.gauss(1, 0.005))


def _pause_handling(a: RecordMetadata, random: Random) -> RecordMetadata:
    elapsed_ms = a.elapsed_ms + round(random.uniform(-30, 30) * MINUTE)
    return replace(a, elapsed_ms=max(elapsed_ms, a.moving_ms or 0, 5 * MINUTE))


def _other_label(a: RecordMetadata, random: Random) -> RecordMetadata:
    return replace(a, sport=_OTHER_LABELS[a.sport])


def _no_distance(a: RecordMetadata, random: Random) -> RecordMetadata:
    return replace(a, distance_m=None)


def _foot_pod(a: RecordMetadata, random: Random) -> RecordMetadata:
    return scaled(a, 1.0, 1 + random.choice([-1, 1]) * random.uniform(0.03, 0.12))


def _manual_entry(a: RecordMetadata, random: Random) -> RecordMetadata:
    distance_m = None if a.distance_m is None else max(a.distance_m + random.uniform(-1_000, 1_000), 100)
    elapsed_ms = max(a.elapsed_ms + round(random.uniform(-5, 5) * MINUTE), MINUTE)
    b = moved(replace(a, elapsed_ms=elapsed_ms, moving_ms=None), random.uniform(-5, 5) * MINUTE)
    return replace(b, distance_m=distance_m, is_manual=True)


def _hidden_start(a: RecordMetadata, random: Random) -> RecordMetadata:
    offset_ms = (a.utc_offset_s or 0) * SECOND
    midnight_ms = (a.start_ms + offset_ms) // DAY * DAY - offset_ms
    return replace(a, start_ms=midnight_ms + SECOND, utc_offset_s=a.utc_offset_s or 0, is_start_hidden=True)


SAME: dict[str, Kind] = {
    "re-upload": _reupload,
    "other format": _whole_seconds,
    "clock drift": _clock_drift,
    "late satellite fix": _late_fix,
    "two devices": _two_devices,
    "trimmed end": _trimmed_end,
    "heavy trim": _heavy_trim,
    "zone shift": _zone_shift,
    "zone shift on another device": _zone_shift_other_device,
    "pause handling": _pause_handling,
    "other label": _other_label,
    "distance missing": _no_distance,
    "foot pod": _foot_pod,
    "manual entry": _manual_entry,
    "hidden start": _hidden_start,
}


def _split_half(a: RecordMetadata, random: Random) -> RecordMetadata:
    return cut(a, 0, 0.5) if random.random() < 0.5 else cut(a, 0.5, 1)


def _multisport_parent(a: RecordMetadata, random: Random) -> RecordMetadata:
    before, after = random.uniform(0.1, 2), random.uniform(0.1, 2)
    b = moved(scaled(a, 1 + before + after, 1 + before + after), -before * a.elapsed_ms)
    return replace(b, sport=Sport.MULTISPORT)


PART_OF: dict[str, Kind] = {"half of a split": _split_half, "leg of a multisport event": _multisport_parent}


def _commute_back(a: RecordMetadata, random: Random) -> RecordMetadata:
    return scaled(moved(a, random.uniform(7, 11) * HOUR), random.gauss(1, 0.06), random.gauss(1, 0.01))


def _same_minute(a: RecordMetadata, random: Random) -> RecordMetadata:
    gap = random.choice([-5, -4, -3, -2, 2, 3, 4, 5]) * HOUR + random.uniform(-50, 50) * SECOND
    return replace(_other_workout(a, random, a.start_ms + gap), sport=a.sport)


def _back_to_back(a: RecordMetadata, random: Random) -> RecordMetadata:
    return replace(_other_workout(a, random, a.end_ms + random.uniform(20, 170) * SECOND), sport=a.sport)


def _next_day(a: RecordMetadata, random: Random) -> RecordMetadata:
    return scaled(moved(a, DAY + random.uniform(-60, 60) * SECOND), random.gauss(1, 0.02), random.gauss(1, 0.01))


def _same_route_later(a: RecordMetadata, random: Random) -> RecordMetadata:
    gap = a.elapsed_ms + random.uniform(0.5, 10) * HOUR
    return scaled(moved(a, gap), random.gauss(1, 0.05), random.gauss(1, 0.004))


def _brick(a: RecordMetadata, random: Random) -> RecordMetadata:
    b = _other_workout(a, random, a.end_ms + random.uniform(20, 400) * SECOND)
    return replace(b, sport=_OTHER_SPORTS[a.sport])


def _warm_up(a: RecordMetadata, random: Random) -> RecordMetadata:
    share = random.uniform(0.1, 0.3)
    return moved(scaled(a, share, share), -a.elapsed_ms * share - random.uniform(20, 300) * SECOND)


def _walk_inside(a: RecordMetadata, random: Random) -> RecordMetadata:
    elapsed_ms = random.uniform(8, 25) * MINUTE
    start_ms = a.start_ms + random.uniform(0.1, 0.9) * max(a.elapsed_ms - elapsed_ms, MINUTE)
    b = replace(a, start_ms=round(start_ms), elapsed_ms=round(elapsed_ms), moving_ms=None)
    sport = Sport.WALK if a.sport not in (Sport.WALK, Sport.HIKE) else Sport.RIDE
    return replace(b, sport=sport, distance_m=elapsed_ms / SECOND * 1.3)


def _forgotten_stop(a: RecordMetadata, random: Random) -> RecordMetadata:
    start = random.uniform(0.35, 0.6)
    return replace(cut(a, start, start + random.uniform(0.15, 0.3), random.uniform(0.8, 1.2)), sport=a.sport)


def _unrelated(a: RecordMetadata, random: Random) -> RecordMetadata:
    return _other_workout(a, random, a.end_ms + random.uniform(1, 9) * HOUR)


DIFFERENT: dict[str, Kind] = {
    "commute back": _commute_back,
    "same minute of another hour": _same_minute,
    "back to back": _back_to_back,
    "same time next day": _next_day,
    "same route later": _same_route_later,
    "brick": _brick,
    "warm-up": _warm_up,
    "walk inside": _walk_inside,
    "forgotten stop": _forgotten_stop,
    "unrelated": _unrelated,
}


def make_short_efforts(random: Random) -> tuple[RecordMetadata, RecordMetadata]:
    """Returns two efforts of one to three minutes, 15 to 100 seconds apart."""
    a = make_workout(random)
    one, two = (random.uniform(60, 180) * SECOND / a.elapsed_ms for _ in range(2))
    first, second = scaled(a, one, one * random.uniform(0.9, 1.1)), scaled(a, two, two * random.uniform(0.9, 1.1))
    return first, replace(second, start_ms=first.end_ms + round(random.uniform(15, 100) * SECOND))
