"""Uploads to the Strava sandbox."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from syncwell.domain.errors import InvalidFileError
from syncwell.sandbox.track_files import read_track
from tests.unit.sandbox.driver import Driver
from tests.unit.sandbox.files import FIT_RIDE, START, gpx, tcx
from tests.unit.sandbox.strava.uploading import post_upload, upload

PROCESSING = "Your activity is still being processed."


async def test_upload_becomes_an_activity_after_the_set_number_of_polls(strava: Driver) -> None:
    """An upload says "being processed" at the POST and for as many polls as set, then names its activity."""
    await strava.settings(processing_polls=2)
    posted = await post_upload(strava, tcx(), external_id="abc", name="Dawn run")
    path = f"/api/v3/uploads/{posted.json['id']}"
    polls = [(await strava.get(path)).json for _ in range(3)]

    assert posted.status == 201
    assert [poll["status"] for poll in polls] == [PROCESSING, PROCESSING, "Your activity is ready."]
    assert [poll["activity_id"] for poll in polls[:2]] == [None, None]
    assert polls[2]["external_id"] == "abc.tcx"
    activity = (await strava.get(f"/api/v3/activities/{polls[2]['activity_id']}")).json
    assert (activity["name"], activity["external_id"], activity["upload_id"]) == (
        "Dawn run",
        "abc.tcx",
        posted.json["id"],
    )


async def test_activity_exists_even_when_nobody_polls(strava: Driver) -> None:
    """An application that dies after the POST has written all the same."""
    await post_upload(strava, tcx(), external_id="abc")

    listed = (await strava.get("/api/v3/athlete/activities")).json
    assert [activity["external_id"] for activity in listed] == ["abc.tcx"]


@pytest.mark.parametrize(
    ("content", "data_type", "elapsed", "sport"),
    [
        (tcx(), "tcx", 600, "Run"),
        (gzip.compress(tcx(sport="Biking")), "tcx.gz", 600, "Ride"),
        (gpx(), "gpx", 600, "Run"),
        (gzip.compress(gpx()), "gpx.gz", 600, "Run"),
        (FIT_RIDE.read_bytes(), "fit", 60, "Ride"),
        (gzip.compress(FIT_RIDE.read_bytes()), "fit.gz", 60, "Ride"),
    ],
)
async def test_every_data_type_is_read(
    strava: Driver, content: bytes, data_type: str, elapsed: int, sport: str
) -> None:
    """Start, times, distance and sport come out of the file, whatever its kind."""
    done = await upload(strava, content, data_type)

    activity = (await strava.get(f"/api/v3/activities/{done['activity_id']}")).json
    assert (activity["elapsed_time"], activity["sport_type"]) == (elapsed, sport)
    assert activity["distance"] > 400
    assert len(activity["start_latlng"]) == 2


async def test_wished_sport_title_and_flags_win_over_the_file(strava: Driver) -> None:
    """The fields of the form override what the file would make of it."""
    done = await upload(strava, tcx(), sport_type="TrailRun", name="Hills", description="wet", commute="1")

    activity = (await strava.get(f"/api/v3/activities/{done['activity_id']}")).json
    shown = [activity[key] for key in ("sport_type", "type", "name", "description", "commute", "trainer")]
    assert shown == ["TrailRun", "Run", "Hills", "wet", True, False]


async def test_title_is_invented_from_hour_and_sport(strava: Driver) -> None:
    """Without a title Strava makes one from the local hour; 06:30 UTC is morning in Berlin."""
    done = await upload(strava, tcx())

    assert (await strava.get(f"/api/v3/activities/{done['activity_id']}")).json["name"] == "Morning Run"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("plain", "ride.tcx duplicate of activity {id}"),
        ("html", "ride.tcx duplicate of <a href='/activities/{id}' target='_blank'>Morning Run</a>"),
    ],
)
async def test_duplicate_is_refused_in_the_chosen_words(strava: Driver, form: str, text: str) -> None:
    """A second upload of the same time and family ends as an error that names the first."""
    await strava.settings(duplicate_text=form)
    first = await upload(strava, tcx())
    second = await upload(strava, tcx(START + timedelta(seconds=59), metres=1990.0))

    assert second["error"] == text.format(id=first["activity_id"])
    assert second["status"] == "There was an error processing your activity."
    assert second["activity_id"] is None
    assert await strava.count("uploads_refused") == 1


async def test_duplicate_can_be_told_at_the_post(strava: Driver) -> None:
    """Some refusals stand in the answer of the POST already."""
    await strava.settings(duplicate_at_post=True)
    first = await upload(strava, tcx())

    posted = await post_upload(strava, tcx())
    assert posted.status == 201
    assert posted.json["error"] == f"ride.tcx duplicate of activity {first['activity_id']}"


@pytest.mark.parametrize(
    "other",
    [
        tcx(START + timedelta(seconds=61)),
        tcx(START, sport="Biking"),
        tcx(START + timedelta(hours=5)),
    ],
)
async def test_another_workout_is_no_duplicate(strava: Driver, other: bytes) -> None:
    """A start more than a minute away or another family is a workout of its own."""
    await upload(strava, tcx())

    assert (await upload(strava, other))["activity_id"] is not None


async def test_same_bytes_are_a_duplicate_under_any_sport(strava: Driver) -> None:
    """The very same file is known again even when the form calls it something else."""
    await upload(strava, tcx())

    assert "duplicate of" in (await upload(strava, tcx(), sport_type="Ride"))["error"]


async def test_duplicates_are_taken_when_the_refusal_is_off(strava: Driver) -> None:
    """With the refusal off the sandbox keeps both, so that a double write shows."""
    await strava.settings(refuse_duplicates=False)
    await upload(strava, tcx(), external_id="abc")
    await upload(strava, tcx(), external_id="abc")

    records = (await strava.books())["records"]["77"]
    assert [record["external_id"] for record in records] == ["abc.tcx", "abc.tcx"]
    assert await strava.count("uploads_accepted") == 2


async def test_other_people_never_make_duplicates(strava: Driver) -> None:
    """Two people may do the same workout."""
    await upload(strava, tcx())
    await strava.control("POST", "/users", {"id": "78"})
    await strava.connect("78")

    assert (await upload(strava, tcx()))["error"] is None


@pytest.mark.parametrize(
    ("content", "data_type"),
    [
        (b"", "fit"),
        (b"not a file", "fit"),
        (FIT_RIDE.read_bytes()[:-40], "fit"),
        (b"<gpx", "gpx"),
        (b"<gpx><trk/></gpx>", "gpx"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><gpx>&a;</gpx>', "gpx"),
        (tcx(datetime(1970, 1, 2, tzinfo=UTC)), "tcx"),
        (tcx().replace(b">600<", b">1e300<"), "tcx"),
        (b"plain", "tcx.gz"),
        (gzip.compress(tcx())[:-12], "tcx.gz"),
    ],
)
async def test_broken_file_ends_as_an_error(strava: Driver, content: bytes, data_type: str) -> None:
    """A broken file is taken at first and refused by a poll, with no activity."""
    done = await upload(strava, content, data_type)

    assert done["status"] == "There was an error processing your activity."
    assert done["error"]
    assert (await strava.books())["records"]["77"] == []


async def test_upload_without_file_or_with_unknown_type_is_refused_at_once(strava: Driver) -> None:
    """The form itself must be right."""
    assert (await post_upload(strava, b"x", "pdf")).status == 400
    no_file = await strava.call("POST", "/api/v3/uploads", data={"data_type": "fit"})
    assert (no_file.status, no_file.json["errors"][0]["field"]) == (400, "file")


async def test_deleted_result_is_told(strava: Driver) -> None:
    """A poll after the person deleted the activity says so."""
    posted = (await post_upload(strava, tcx())).json
    await strava.get(f"/api/v3/uploads/{posted['id']}")
    activity_id = (await strava.books())["records"]["77"][0]["id"]
    await strava.control("DELETE", f"/records/{activity_id}")

    polled = (await strava.get(f"/api/v3/uploads/{posted['id']}")).json
    assert (polled["status"], polled["activity_id"]) == ("The created activity has been deleted.", None)


async def test_upload_of_another_person_cannot_be_polled(strava: Driver) -> None:
    """An upload is its owner's only."""
    posted = (await post_upload(strava, tcx())).json
    await strava.control("POST", "/users", {"id": "78"})
    await strava.connect("78")

    assert (await strava.get(f"/api/v3/uploads/{posted['id']}")).status == 404


async def test_fresh_activity_enters_the_listing_after_the_lag(strava: Driver) -> None:
    """With a visibility lag an activity can be read by id at once and is listed later."""
    await strava.settings(visibility_lag_seconds=90)
    done = await upload(strava, tcx())

    assert (await strava.get(f"/api/v3/activities/{done['activity_id']}")).status == 200
    await strava.advance(89)
    assert (await strava.get("/api/v3/athlete/activities")).json == []
    await strava.advance(1)
    assert len((await strava.get("/api/v3/athlete/activities")).json) == 1


def test_damaged_files_are_errors_and_never_crashes() -> None:
    """Whatever is wrong with a FIT file, reading it ends as an invalid file."""
    whole, random = FIT_RIDE.read_bytes(), Random(5)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[random.randrange(12, len(damaged))] = random.randrange(256)
        try:
            read_track(bytes(damaged), "fit")
        except InvalidFileError:
            refused += 1

    assert refused > 190
