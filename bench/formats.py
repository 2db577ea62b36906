"""Carries every activity file through every format and asks independent readers what arrived; writes docs/formats.md.

Read, made canonical, written as FIT, TCX and GPX, read by fitdecode, tcxreader and gpxpy. A cell says what differs
from the canonical workout, `ok`, or why the format cannot say it. Run with `make formats`; SYNCWELL_CORPUS adds a
corpus.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fitdecode
import gpxpy
from tcxreader.tcxreader import TCXReader

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidFileError, InvalidInputError
from syncwell.domain.records import Sport
from syncwell.providers.files.activity_file import read_activity_file
from syncwell.providers.files.activity_writer import write_activity_file
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.fit_sports import FitSport, sport_from_fit
from syncwell.providers.files.point_values import has_position
from syncwell.providers.files.sport_words import sport_from_word
from syncwell.providers.files.tcx_writer import tcx_sport

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "formats.md"
SECONDS_TOLERANCE = 1.0
DISTANCE_TOLERANCE_M = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """What an independent reader says; None where its format does not."""

    sport: Sport
    start_seconds: float
    duration_seconds: float | None
    distance_m: float | None
    point_count: int


def told_by_fitdecode(data: bytes) -> Told:
    """Reads the sessions and records of a FIT file."""
    sessions, point_count = [], 0
    with fitdecode.FitReader(data, check_crc=fitdecode.CrcCheck.RAISE) as reader:
        for frame in reader:
            if isinstance(frame, fitdecode.FitDataMessage):
                point_count += frame.name == "record"
                if frame.name == "session":
                    sessions.append({each.name: each for each in frame.fields})
    pairs = {FitSport(each["sport"].raw_value, each["sub_sport"].raw_value) for each in sessions}
    sports = {sport_from_fit(pair) for pair in pairs}
    distances = [each["total_distance"].value for each in sessions if each["total_distance"].value is not None]
    first, last = sessions[0], sessions[-1]
    end_seconds = last["start_time"].value.timestamp() + last["total_elapsed_time"].value
    start_seconds = first["start_time"].value.timestamp()
    return Told(
        sports.pop() if len(sports) == 1 else Sport.MULTISPORT,
        start_seconds,
        end_seconds - start_seconds,
        sum(distances) if distances else None,
        point_count,
    )


def told_by_tcxreader(data: bytes) -> Told:
    """Reads the only activity of a TCX file."""
    exercise = TCXReader().read(io.BytesIO(data), only_gps=False)
    sports = {"Running": Sport.RUN, "Biking": Sport.RIDE}
    start = exercise.trackpoints[0].time.timestamp()
    return Told(
        sports.get(exercise.activity_type, Sport.OTHER), start, None, exercise.distance, len(exercise.trackpoints)
    )


def told_by_gpxpy(data: bytes) -> Told:
    """Reads the only track of a GPX file."""
    (track,) = gpxpy.parse(data.decode()).tracks
    points = [point for segment in track.segments for point in segment.points]
    first, last = points[0].time, points[-1].time
    if first is None or last is None:
        raise InvalidFileError("a written point has no time")
    duration = last.timestamp() - first.timestamp()
    return Told(sport_from_word(str(track.type)), first.timestamp(), duration, None, len(points))


READERS: dict[FileFormat, Callable[[bytes], Told]] = {
    FileFormat.FIT: told_by_fitdecode,
    FileFormat.TCX: told_by_tcxreader,
    FileFormat.GPX: told_by_gpxpy,
}


def expected_of(workout: CanonicalWorkout, file_format: FileFormat) -> Told:
    """Returns what is left of `workout` in a format."""
    start = workout.start_time.seconds + workout.start_time.nanos / 1e9
    points = [point for segment in workout.segments for point in segment.points]
    sport = Sport(workout.sport)
    distance = workout.distance_m if workout.HasField("distance_m") else None
    if file_format is FileFormat.GPX:
        placed = [point.offset_ms / 1000 for point in points if has_position(point)]
        return Told(sport, start + placed[0], placed[-1] - placed[0], None, len(placed))
    if file_format is FileFormat.TCX:
        first = points[0].offset_ms / 1000 if points else 0.0
        return Told(tcx_sport(sport), start + first, None, distance, len(points) or 2)
    return Told(sport, start, workout.elapsed_ms / 1000, distance, len(points) or 2)


def differences(expected: Told, told: Told) -> str:
    """Returns what an independent reader sees otherwise; empty where all agrees."""
    checks = {
        f"sport {told.sport.name}": told.sport == expected.sport,
        f"start {told.start_seconds}": _is_near(told.start_seconds, expected.start_seconds, SECONDS_TOLERANCE),
        f"duration {told.duration_seconds}": _is_near(
            told.duration_seconds, expected.duration_seconds, SECONDS_TOLERANCE
        ),
        f"distance {told.distance_m}": _is_near(
            told.distance_m or 0.0, expected.distance_m or 0.0, DISTANCE_TOLERANCE_M
        ),
        f"points {told.point_count}": told.point_count == expected.point_count,
    }
    return ", ".join(name for name, holds in checks.items() if not holds)


def carry(workout: CanonicalWorkout, file_format: FileFormat) -> str:
    """Returns `ok`, what differs, or why the format cannot say the workout."""
    try:
        data = write_activity_file(workout, file_format)
    except InvalidInputError as exc:
        return f"no: {exc.message}"
    return differences(expected_of(workout, file_format), READERS[file_format](data)) or "ok"


def examine(path: Path) -> Iterator[tuple[str, ...]]:
    """Yields a row for each workout of a file, or the reason why it is refused."""
    try:
        workouts = read_activity_file(path.read_bytes()).workouts
    except InvalidFileError as exc:
        yield path.name, "refused", "", "", "", "", exc.message, "", ""
        return
    for workout in workouts:
        seconds, points = workout.elapsed_ms // 1000, sum(len(each.points) for each in workout.segments)
        start = workout.start_time.ToJsonString()
        distance = f"{workout.distance_m:.0f}" if workout.HasField("distance_m") else ""
        row = path.name, Sport(workout.sport).name.lower(), start, str(seconds), distance, str(points)
        yield *row, *(carry(workout, file_format) for file_format in FileFormat)


def activity_paths() -> list[Path]:
    """Returns the repository's recordings and, where there is one, the corpus."""
    paths = sorted((ROOT / "recordings").glob("*.fit"))
    corpus = os.environ.get("SYNCWELL_CORPUS", "")
    known = {path.name for path in paths}
    if corpus:
        found = sorted(Path(corpus, "activities").iterdir())
        paths += [path for path in found if path.suffix != ".json" and path.name not in known]
    return paths


def _is_near(value: float | None, expected: float | None, tolerance: float) -> bool:
    if value is None or expected is None:
        return value is expected
    return abs(value - expected) <= tolerance


def main() -> int:
    """Writes the report; returns 1 where anything differs."""
    paths = activity_paths()
    rows = [row for path in paths for row in examine(path)]
    cells = [cell for row in rows if row[1] != "refused" for cell in row[6:]]
    wrong = [cell for cell in cells if cell != "ok" and not cell.startswith("no: ")]
    refused_count = sum(row[1] == "refused" for row in rows)
    head = ("file", "sport", "start", "s", "m", "points", "FIT", "TCX", "GPX")
    lines = [
        "# Activity formats",
        "",
        "Generated by `make formats`: each file is read, written in each format, and read back by fitdecode, tcxreader"
        " and gpxpy.",
        "",
        f"{len(paths)} files ({refused_count} refused with the reason given), {len(rows) - refused_count} workouts,"
        f" {cells.count('ok')} of {len(cells)} cells ok, {len(wrong)} differ, the rest is beyond the format.",
        "",
        *("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)),
    ]
    REPORT.write_text("\n".join(lines) + "\n")
    print(lines[4])
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
