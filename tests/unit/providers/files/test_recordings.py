"""The recordings of the repository, and a larger corpus where there is one, against facts of an independent parser."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import InvalidFileError
from syncwell.domain.records import Sport
from syncwell.providers.files.fit_reader import inspect_fit, read_fit
from syncwell.providers.files.fit_writer import write_fit

RECORDINGS = Path(__file__).parents[4] / "recordings"
INDEX: list[dict[str, Any]] = json.loads((RECORDINGS / "index.json").read_text())  # JSON of our own making
CORPUS = os.environ.get("SYNCWELL_CORPUS", "")
QUICK = [facts for facts in INDEX if facts["points"] < 3_000]
SECONDS_TOLERANCE = 1.0
ALL_FIXTURES_BYTES_MAX = 8_000_000


@cache
def read_recording(name: str) -> bytes:
    """Returns the one workout of a recording, serialised so that no test can change another's."""
    (workout,) = read_fit((RECORDINGS / name).read_bytes())
    return workout.SerializeToString(deterministic=True)


def recorded(name: str) -> CanonicalWorkout:
    return CanonicalWorkout.FromString(read_recording(name))


def point_count(workout: CanonicalWorkout) -> int:
    return sum(len(segment.points) for segment in workout.segments)


def epoch_seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def distance_of(workout: CanonicalWorkout) -> float | None:
    return workout.distance_m if workout.HasField("distance_m") else None


@pytest.mark.parametrize("facts", INDEX, ids=lambda facts: str(facts["file"]))
def test_recording_says_what_an_independent_parser_says(facts: dict[str, Any]) -> None:
    """Sport, start, elapsed time, distance and number of points agree with the index."""
    workout = recorded(facts["file"])

    assert Sport(workout.sport).name.lower() == facts["sport"]
    assert workout.start_time.seconds == epoch_seconds(facts["start"])
    assert workout.elapsed_ms / 1000 == pytest.approx(facts["elapsed_s"], abs=SECONDS_TOLERANCE)
    assert distance_of(workout) == facts["distance_m"]
    assert point_count(workout) == facts["points"]


@pytest.mark.parametrize("facts", QUICK, ids=lambda facts: str(facts["file"]))
def test_recording_survives_being_written(facts: dict[str, Any]) -> None:
    """What is read, written and read again is the same workout, point by point."""
    workout = recorded(facts["file"])
    (again,) = read_fit(write_fit(workout))

    assert list(again.segments) == list(workout.segments)
    assert list(again.laps)[: len(workout.laps)] == list(workout.laps)
    for name in ("provenance", "laps", "segments"):
        again.ClearField(name)
        workout.ClearField(name)
    assert again == workout


def test_index_lists_the_files_that_are_there() -> None:
    """Every recording is in the index with its hash and an open licence, and there are enough for the demo."""
    assert {facts["file"] for facts in INDEX} == {path.name for path in RECORDINGS.glob("*.fit")}
    assert len(INDEX) >= 19
    assert sum(path.stat().st_size for path in RECORDINGS.iterdir()) <= ALL_FIXTURES_BYTES_MAX
    for facts in INDEX:
        assert facts["licence"] in {"MIT", "BSD-3-Clause", "Apache-2.0"}
        assert hashlib.sha256((RECORDINGS / facts["file"]).read_bytes()).hexdigest() == facts["sha256"]


def test_pauses_cut_the_track() -> None:
    """A ride with 56 timer starts has a segment for each stretch between pauses, none above 1,000 points."""
    ride = recorded("2019-02-17-062644-ELEMNT-297E-195-0.fit")

    assert sum(segment.follows_pause for segment in ride.segments) == 55
    assert max(len(segment.points) for segment in ride.segments) == 1_000


def test_triathlon_is_one_workout_with_a_lap_for_each_leg() -> None:
    """Several sessions of different sports become one multisport workout."""
    race = recorded("sample_mulitple_header.fit")

    assert [Sport(lap.sport) for lap in race.laps] == [
        Sport.SWIM_OPEN,
        Sport.OTHER,
        Sport.RIDE,
        Sport.OTHER,
        Sport.RUN,
    ]
    assert race.provenance.native_type == "swimming/open_water+transition+cycling+running"


def test_local_time_is_believed_only_where_it_makes_sense() -> None:
    """An offset of minus 31 years is left out; minus seven hours is kept."""
    absurd = recorded("0134902991.fit")
    plausible = recorded("garmin-fenix-5-walk.fit")

    assert not absurd.HasField("utc_offset_s")
    assert plausible.utc_offset_s == -7 * 3600


def corpus_files() -> list[Path]:
    return sorted(Path(CORPUS, "activities").glob("*.[fF][iI][tT]*")) if CORPUS else []


@pytest.mark.skipif(not CORPUS, reason="SYNCWELL_CORPUS is not set: the large corpus of activity files is not read")
def test_corpus_agrees_with_its_facts_or_is_refused() -> None:
    """Every FIT file of the corpus gives what the facts say, or `InvalidFileError`; nothing else happens."""
    facts = json.loads(Path(CORPUS, "activities", "facts.json").read_text())["files"]
    files = corpus_files()
    assert files, f"SYNCWELL_CORPUS={CORPUS} holds no activities/*.fit"
    differences = {path.name: difference_from(facts[path.name], path.read_bytes()) for path in files}
    assert {name: found for name, found in differences.items() if found} == {}


def difference_from(facts: dict[str, Any], data: bytes) -> str:
    """Returns what is wrong with our reading, in words; empty when nothing is."""
    try:
        reading = inspect_fit(data)
    except InvalidFileError as exc:
        return "" if is_unusable(facts) else f"refused: {exc.message}"
    if is_unusable(facts):
        return "read, though the facts say that it is unusable"
    workout = reading.workouts[0]
    dropped_count = reading.dropped_point_count
    elapsed = expected_elapsed_seconds(facts)
    checks = {
        "start": workout.start_time.seconds == epoch_seconds(facts["sessions"][0]["start_utc"]),
        f"elapsed {workout.elapsed_ms} ms": abs(workout.elapsed_ms / 1000 - elapsed) <= SECONDS_TOLERANCE,
        f"distance {distance_of(workout)}": is_same_distance(workout, facts),
        f"points {point_count(workout)}": point_count(workout) + dropped_count == facts["records"],
        f"dropped {dropped_count}": dropped_count == 0 or "timestamps_going_backwards" in facts,
        f"native type {workout.provenance.native_type}": workout.provenance.native_type == native_types(facts),
    }
    return ", ".join(check for check, holds in checks.items() if not holds)


def is_unusable(facts: dict[str, Any]) -> bool:
    """Damaged, no activity, or without any time."""
    has_time = any(session["start_utc"] for session in facts["sessions"])
    return "parse_error" in facts or not all(facts["crc_ok"]) or not has_time


def expected_elapsed_seconds(facts: dict[str, Any]) -> float:
    first, last = facts["sessions"][0], facts["sessions"][-1]
    if last["elapsed_s"] is None:
        wall = epoch_seconds(facts["last_record_utc"]) - epoch_seconds(facts["first_record_utc"])
    else:
        wall = epoch_seconds(last["start_utc"]) + last["elapsed_s"] - epoch_seconds(first["start_utc"])
    # Less wall time than timer time cannot be; the reader takes the timer's word.
    return float(max(wall, sum(session["timer_s"] or 0 for session in facts["sessions"])))


def is_same_distance(workout: CanonicalWorkout, facts: dict[str, Any]) -> bool:
    told = [session["distance_m"] for session in facts["sessions"] if session["distance_m"] is not None]
    expected = sum(told) if told else facts["last_record_distance_m"]
    return distance_of(workout) == (pytest.approx(expected, abs=0.01) if expected is not None else None)


def native_types(facts: dict[str, Any]) -> str:
    unnamed = ("None", "generic")
    sports = ["generic" if session["sport"] in unnamed else session["sport"] for session in facts["sessions"]]
    pairs = zip(sports, (session["sub_sport"] for session in facts["sessions"]), strict=True)
    words = [sport if sub_sport in unnamed else f"{sport}/{sub_sport}" for sport, sub_sport in pairs]
    return "+".join(dict.fromkeys(words))
